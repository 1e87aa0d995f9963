package e2e

// brokenObjects has one object for each symptom; SERVICE is the address of the source of numbers.
const brokenObjects = `
apiVersion: v1
kind: Namespace
metadata: {name: broken}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: unasked, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: unasked}}
  template:
    metadata: {labels: {app: unasked}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: unasked, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: unasked}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: twin-a, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: twin}}
  template:
    metadata: {labels: {app: twin}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: twin-a, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: twin-a}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: twin-b, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: twin}}
  template:
    metadata: {labels: {app: twin}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: twin-b, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: twin-b}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: owned, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: owned}}
  template:
    metadata: {labels: {app: owned}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: owned, namespace: broken, annotations: {validations.keda.sh/hpa-ownership: "false"}} # else admission refuses its rival
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: owned}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: owned, namespace: broken}
spec:
  scaleTargetRef: {name: owned}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: near, targetValue: "10"}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: broken}
stringData: {key: wrong}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: key, namespace: broken}
spec:
  secretTargetRef:
  - {parameter: token, name: key, key: key}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: denied, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: denied}}
  template:
    metadata: {labels: {app: denied}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: denied, namespace: broken}
spec:
  scaleTargetRef: {name: denied}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE/secret", valueLocation: denied, targetValue: "10", authMode: bearer}
    authenticationRef: {name: key}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: aws, namespace: broken}
spec:
  podIdentity: {provider: aws}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: locked, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: locked}}
  template:
    metadata: {labels: {app: locked}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: locked, namespace: broken}
spec:
  scaleTargetRef: {name: locked}
  pollingInterval: 1
  minReplicaCount: 1
  triggers:
  - type: aws-sqs-queue
    metadata: {queueURL: "https://sqs.us-west-2.amazonaws.com/000000000000/locked", awsRegion: us-west-2}
    authenticationRef: {name: aws}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: outside, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: outside}}
  template:
    metadata: {labels: {app: outside}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: outside, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: outside}
  maxReplicas: 3
  metrics:
  - {type: External, external: {metric: {name: orders}, target: {type: AverageValue, averageValue: "5"}}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: adapter, namespace: elsewhere}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: small}
spec:
  template:
    spec:
      nodeClassRef: {group: eks.amazonaws.com, kind: NodeClass, name: gpu-nodeclass}
      requirements:
      - {key: eks.amazonaws.com/instance-family, operator: In, values: [g6]}
      - {key: example.com/pool, operator: In, values: [small]}
      taints: [{key: nvidia.com/gpu, value: "true", effect: NoSchedule}]
  limits: {cpu: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: quota, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: quota}}
  template:
    metadata: {labels: {app: quota}}
    spec:
      nodeSelector: {example.com/pool: small}
      tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {limits: {cpu: "2", memory: 4Gi, nvidia.com/gpu: "1"}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: quota, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: quota}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: untolerant, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: untolerant}}
  template:
    metadata: {labels: {app: untolerant}}
    spec:
      nodeSelector: {eks.amazonaws.com/instance-family: g6e}
      containers: [{name: web, image: registry.k8s.io/pause, resources: {limits: {cpu: "2", memory: 4Gi, nvidia.com/gpu: "1"}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: untolerant, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: untolerant}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: unmatched, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: unmatched}}
  template:
    metadata: {labels: {app: unmatched}}
    spec:
      nodeSelector: {eks.amazonaws.com/instance-family: p4d}
      tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {limits: {cpu: "2", memory: 4Gi, nvidia.com/gpu: "1"}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: unmatched, namespace: broken}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: unmatched}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: slow, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: slow}}
  template:
    metadata: {labels: {app: slow}}
    spec:
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}, readinessProbe: {periodSeconds: 5, httpGet: {port: 9, path: /}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: slow, namespace: broken}
spec:
  scaleTargetRef: {name: slow}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: near, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: max, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: max}}
  template:
    metadata: {labels: {app: max}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: max, namespace: broken}
spec:
  scaleTargetRef: {name: max}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 2
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: max, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: rate, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: rate}}
  template:
    metadata: {labels: {app: rate}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: rate, namespace: broken}
spec:
  scaleTargetRef: {name: rate}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 10
  advanced:
    horizontalPodAutoscalerConfig:
      behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 600}]}}
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: rate, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stable, namespace: broken}
spec:
  replicas: 4
  selector: {matchLabels: {app: stable}}
  template:
    metadata: {labels: {app: stable}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: stable, namespace: broken}
spec:
  scaleTargetRef: {name: stable}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: stable, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cool, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: cool}}
  template:
    metadata: {labels: {app: cool}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: cool, namespace: broken}
spec:
  scaleTargetRef: {name: cool}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 0
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: cool, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: near, namespace: broken}
spec:
  replicas: 2
  selector: {matchLabels: {app: near}}
  template:
    metadata: {labels: {app: near}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: near, namespace: broken}
spec:
  scaleTargetRef: {name: near}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 2
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: near, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: paused, namespace: broken}
spec:
  replicas: 2
  selector: {matchLabels: {app: paused}}
  template:
    metadata: {labels: {app: paused}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: paused, namespace: broken, annotations: {autoscaling.keda.sh/paused: "true"}}
spec:
  scaleTargetRef: {name: paused}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: paused, targetValue: "10"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: frozen, namespace: broken}
spec:
  replicas: 1
  selector: {matchLabels: {app: frozen}}
  template:
    metadata: {labels: {app: frozen}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: web, image: registry.k8s.io/pause, resources: {requests: {cpu: 10m}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: frozen, namespace: broken}
spec:
  scaleTargetRef: {name: frozen}
  pollingInterval: 1
  cooldownPeriod: 300
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
  - type: metrics-api
    metadata: {url: "SERVICE", valueLocation: frozen, targetValue: "5"}
`

// metricsElsewhere leads metrics.k8s.io to a port on loopback.
const metricsElsewhere = `
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {type: ExternalName, externalName: 127.0.0.1}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system, port: %s}
`
