package neighbour

import "testing"

func TestRewrite_leads_declared_ports_to_the_pod(t *testing.T) {
	socket := func(port int32) (string, bool) {
		switch port {
		case 8000:
			return "127.64.0.3:8000", true
		case 80:
			return "127.64.0.3:40123", true // which the pod's program may not bind without privileges
		}
		return "", false
	}
	for _, test := range []struct{ why, text, want string }{
		{"a URL", "http://localhost:8000", "http://127.64.0.3:8000"},
		{"with a path", "http://127.0.0.1:80/health?x=1", "http://127.64.0.3:40123/health?x=1"},
		{"with a user", "amqp://u:p@localhost:8000/", "amqp://u:p@127.64.0.3:8000/"},
		{"in a script", "until wget -q http://localhost:8000/health; do sleep 1; done; nc http://localhost:80", "until wget -q http://127.64.0.3:8000/health; do sleep 1; done; nc http://127.64.0.3:40123"},
		{"host and port alone", "localhost:8000", "127.64.0.3:8000"},
		{"another port", "http://localhost:9000", "http://localhost:9000"},
		{"a longer port", "http://localhost:80001", "http://localhost:80001"},
		{"another host", "http://notlocalhost:8000", "http://notlocalhost:8000"},
		{"no port", "http://localhost/", "http://localhost/"},
		{"a sentence", "see localhost:8000 for more", "see localhost:8000 for more"},
		{"a beginning", "localhost:8000/tcp", "localhost:8000/tcp"},
		{"nothing", "", ""},
	} {
		if got := Rewrite(test.text, socket); got != test.want {
			t.Errorf("%s: %q became %q, want %q", test.why, test.text, got, test.want)
		}
	}
}
