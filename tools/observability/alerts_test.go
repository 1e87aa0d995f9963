package main

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// root is the folder of the repository.
const root = "../.."

func TestAlerts_fire_when_they_should_and_only_then(t *testing.T) {
	// As the Prometheus operator reads it: the target has a namespace, so that of
	// the metric is renamed.
	const at, object = `{job="furl",namespace="furl-system",instance="a"`, `{job="furl",namespace="furl-system",exported_namespace="shop",instance="a"`
	fires, quiet := map[string]int{}, map[string]int{}
	for _, tc := range []struct {
		alert, why string
		series     []string
		after      time.Duration
		want       []string
	}{
		{"FurlNobodyLeads", "one of two leads", []string{
			`furl_leading` + at + `} 1x60`, `furl_leading{job="furl",namespace="furl-system",instance="b"} 0x60`,
		}, time.Hour, nil},
		{"FurlNobodyLeads", "the lease goes from one to the other", []string{
			`furl_leading` + at + `} 1x29 _x31`, `furl_leading{job="furl",namespace="furl-system",instance="b"} 0x30 1x29`,
		}, 31 * time.Minute, nil},
		{"FurlNobodyLeads", "none of two does", []string{
			`furl_leading` + at + `} 1x56 0x4`, `furl_leading{job="furl",namespace="furl-system",instance="b"} 0x60`,
		}, time.Hour, []string{"No Furl decides: nothing is scaled"}},
		{"FurlNobodyLeads", "there is no process", nil, time.Hour, []string{"No Furl decides: nothing is scaled"}},

		{"FurlDecisionsStandStill", "an adapter hangs for its timeout", []string{`furl_decision_overdue_seconds` + at + `,kind="hpa"} 0 10 0 20 0x60`}, 4 * time.Minute, nil},
		{"FurlDecisionsStandStill", "one kind stands still", []string{
			`furl_decision_overdue_seconds` + at + `,kind="hpa"} 0x60`, `furl_decision_overdue_seconds` + at + `,kind="scaledobject"} 0+60x60`,
		}, 10 * time.Minute, []string{"Decisions on scaledobject objects stand still"}},

		{"FurlScaleWritesFail", "one write failed once", []string{`furl_decisions_total` + at + `,kind="hpa",rule="pick",outcome="failed"} 0x20 1x60`}, 30 * time.Minute, nil},
		{
			"FurlScaleWritesFail", "one fails at each attempt",
			[]string{`furl_decisions_total` + at + `,kind="hpa",rule="pick",outcome="failed"} 0+1x60`},
			40 * time.Minute,
			[]string{"Sizes of hpa objects cannot be written"},
		},
		{"FurlScaleWritesFail", "all succeed", []string{`furl_decisions_total` + at + `,kind="hpa",rule="pick",outcome="scaled"} 0+1x60`}, 40 * time.Minute, nil},

		{"FurlSignalMissing", "a new pod has no value for some scrapes", []string{`furl_signals_missing` + object + `,kind="hpa",name="web"} 1x3 _x60`}, 8 * time.Minute, nil},
		{
			"FurlSignalMissing", "a queue is out of reach",
			[]string{`furl_signals_missing` + object + `,kind="scaledobject",name="worker"} 2x30`},
			15 * time.Minute,
			[]string{"scaledobject shop/worker is scaled without 2 of its signals"},
		},
		{
			"FurlSignalMissing", "and the target has no namespace of its own",
			[]string{`furl_signals_missing{job="furl",namespace="shop",kind="scaledobject",name="worker"} 1x30`},
			15 * time.Minute,
			[]string{"scaledobject shop/worker is scaled without 1 of its signals"},
		},
		{"FurlSignalMissing", "another became the leader meanwhile", []string{
			`furl_signals_missing` + object + `,kind="hpa",name="web"} 1x6 stale`,
			`furl_signals_missing{job="furl",namespace="furl-system",exported_namespace="shop",instance="b",kind="hpa",name="web"} _x7 1x30`,
		}, 15 * time.Minute, []string{"hpa shop/web is scaled without 1 of its signals"}},

		{"FurlAtMaximum", "a peak of a quarter of an hour", []string{`furl_replicas_above_maximum` + object + `,kind="hpa",name="web"} _x10 4x15 stale`}, 40 * time.Minute, nil},
		{
			"FurlAtMaximum", "an hour on end",
			[]string{`furl_replicas_above_maximum` + object + `,kind="hpa",name="web"} 4x60`},
			time.Hour,
			[]string{"hpa shop/web wants 4 replicas more than its maximum"},
		},

		{"FurlFrozen", "for a release", []string{`furl_frozen` + object + `,scope="namespace"} 1x120 stale`}, 9 * time.Hour, nil},
		{"FurlFrozen", "forgotten in a namespace", []string{`furl_frozen` + object + `,scope="namespace"} 1x540`}, 9 * time.Hour, []string{"Sizes are frozen in shop for 8 hours"}},
		{"FurlFrozen", "forgotten in the cluster", []string{`furl_frozen` + at + `,scope="cluster"} 1x540`}, 9 * time.Hour, []string{"Sizes are frozen for 8 hours"}},

		// 90 days are 7,776,000 s; the clock of these tests begins at 0.
		{"FurlCertificateEnds", "two thirds of its life are left", []string{
			`furl_certificate_start_timestamp_seconds` + at + `,serves="apis"} -2592000x60`, `furl_certificate_expiry_timestamp_seconds` + at + `,serves="apis"} 5184000x60`,
		}, time.Hour, nil},
		{"FurlCertificateEnds", "one that lives for a day has six hours left", []string{
			`furl_certificate_start_timestamp_seconds` + at + `,serves="apis"} -61200x60`, `furl_certificate_expiry_timestamp_seconds` + at + `,serves="apis"} 25200x60`,
		}, time.Hour, nil},
		{"FurlCertificateEnds", "nobody renews that of the webhooks", []string{
			`furl_certificate_start_timestamp_seconds` + at + `,serves="webhooks"} -6912000x60`, `furl_certificate_expiry_timestamp_seconds` + at + `,serves="webhooks"} 864000x60`,
		}, time.Hour, []string{"The certificate of Furl's webhooks was not renewed"}},

		{"FurlScrapesFail", "one node of ten is away", []string{
			`furl_scrapes_total` + at + `,result="success"} 0+54x60`, `furl_scrapes_total` + at + `,result="timeout"} 0+6x60`,
		}, time.Hour, nil},
		{"FurlScrapesFail", "no kubelet takes Furl's token", []string{
			`furl_scrapes_total` + at + `,result="success"} 0x60`, `furl_scrapes_total` + at + `,result="error"} 0+60x60`, `furl_scrapes_total` + at + `,result="timeout"} 0x60`,
		}, time.Hour, []string{"100% of the kubelets cannot be read"}},
		{"FurlScrapesFail", "there are no nodes", []string{`furl_scrapes_total` + at + `,result="success"} 0x60`, `furl_scrapes_total` + at + `,result="error"} 0x60`}, time.Hour, nil},

		{"FurlAPIRequestsFail", "conflicts and what is not there", []string{
			`rest_client_requests_total` + at + `,code="200",method="GET",host="api"} 0+60x60`, `rest_client_requests_total` + at + `,code="409",method="PUT",host="api"} 0+60x60`,
		}, time.Hour, nil},
		{"FurlAPIRequestsFail", "an upgrade of the control plane", []string{
			`rest_client_requests_total` + at + `,code="200",method="GET",host="api"} 0+60x60`, `rest_client_requests_total` + at + `,code="<error>",method="GET",host="api"} 0x40 0+60x4 240x20`,
		}, 50 * time.Minute, nil},
		{"FurlAPIRequestsFail", "it lets Furl wait", []string{
			`rest_client_requests_total` + at + `,code="200",method="GET",host="api"} 0+60x60`, `rest_client_requests_total` + at + `,code="429",method="GET",host="api"} 0+60x60`,
		}, time.Hour, []string{"50% of Furl's requests to the API server fail"}},

		{"FurlStandsDown", "it holds the HPAs", []string{`furl_hpa_standing_down` + at + `} 0x60`}, time.Hour, nil},
		{"FurlStandsDown", "the built-in controller came back", []string{`furl_hpa_standing_down` + at + `} 1x60`}, time.Hour, []string{"Furl leaves all HPAs to kube-controller-manager"}},
	} {
		if len(tc.want) > 0 {
			fires[tc.alert]++
		} else {
			quiet[tc.alert]++
		}
		i := slices.IndexFunc(alerts(), func(a alert) bool { return a.Alert == tc.alert })
		if i < 0 {
			t.Fatalf("there is no alert %s", tc.alert)
		}
		if diff := cmp.Diff(tc.want, fired(t, alerts()[i], loaded(t, tc.series...), tc.after)); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", tc.alert, tc.why, diff)
		}
	}
	for _, a := range alerts() {
		if fires[a.Alert] == 0 || quiet[a.Alert] == 0 {
			t.Errorf("%s: %d cases in which it fires, %d in which it does not; want both", a.Alert, fires[a.Alert], quiet[a.Alert])
		}
	}
}
