// Package karpenter makes nodes for pods that wait, by the real Karpenter and a cloud that rents out processes.
package karpenter

import (
	_ "github.com/awslabs/operatorpkg/controller"
	_ "github.com/awslabs/operatorpkg/object"
	_ "github.com/awslabs/operatorpkg/status"
	_ "github.com/go-logr/logr"
	_ "k8s.io/utils/clock"
	_ "sigs.k8s.io/controller-runtime"
	_ "sigs.k8s.io/karpenter/pkg/apis"
	_ "sigs.k8s.io/karpenter/pkg/apis/v1"
	_ "sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	_ "sigs.k8s.io/karpenter/pkg/controllers"
	_ "sigs.k8s.io/karpenter/pkg/controllers/state"
)
