package vllm

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func noEnvironment(string) string { return "" }

func TestParse_takes_the_command_line_of_the_walkthrough(t *testing.T) {
	line := "serve Qwen/Qwen3-4B-FP8 --served-model-name=qwen3-4b-fp8 --trust-remote-code --gpu-memory-utilization=0.95 --max-model-len=32768 " +
		"--disable-log-requests --enable-auto-tool-choice --tool-call-parser=hermes --reasoning-parser=qwen3"
	got, err := Parse(strings.Fields(line), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Model: "Qwen/Qwen3-4B-FP8", Served: []string{"qwen3-4b-fp8"}, MaxLength: 32768, Reasons: true, Port: 8000, Load: DefaultLoad, Pace: DefaultPace(),
		Ignored: []string{"--trust-remote-code", "--gpu-memory-utilization", "--disable-log-requests", "--enable-auto-tool-choice", "--tool-call-parser"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestParse_reads_the_other_ways_to_say_it(t *testing.T) {
	env := map[string]string{"FURL_MODEL_LOAD": "2s", "FURL_MODEL_SINGLE": "50"}
	got, err := Parse(strings.Fields("--model m --served-model-name a b --port 9 --max-num-seqs 4 --host 127.0.0.1"), func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got.Served); diff != "" || got.Model != "m" || got.Port != 9 || got.Pace.Seats != 4 || got.Load != 2*time.Second || got.Pace.Single != 50 {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"", "serve", "serve m n", "serve m --port=x", "serve m --port", "serve m --max-model-len=0"} {
		if c, err := Parse(strings.Fields(bad), noEnvironment); err == nil {
			t.Errorf("%q gave %+v", bad, c)
		}
	}
	for _, name := range []string{"FURL_MODEL_LOAD", "FURL_MODEL_TOTAL"} {
		if _, err := Parse([]string{"m"}, func(asked string) string {
			if asked == name {
				return "fast"
			}
			return ""
		}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=fast: %v", name, err)
		}
	}
}

func newServer(t *testing.T, p Pace) *Server {
	t.Helper()
	s, err := New(Config{Model: "m", Served: []string{"m"}, MaxLength: 1000, Reasons: true, Load: 8 * time.Second, Pace: p})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func post(t *testing.T, s *Server, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func get(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w.Code, w.Body.String()
}

func TestServer_is_healthy_once_it_has_loaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, DefaultPace())
		go s.LoadModel(t.Context(), func(string) {})
		time.Sleep(7900 * time.Millisecond)
		if status, _ := get(t, s, "/health"); status != http.StatusServiceUnavailable {
			t.Errorf("healthy too soon: %d", status)
		}
		if status, _ := post(t, s, `{"model":"m","messages":[{"role":"user","content":"x"}]}`); status != http.StatusServiceUnavailable {
			t.Errorf("answered too soon: %d", status)
		}
		time.Sleep(200 * time.Millisecond)
		if status, _ := get(t, s, "/health"); status != http.StatusOK {
			t.Errorf("not healthy: %d", status)
		}
	})
}

func TestServer_answers_the_same_each_time_and_thinks_first(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, DefaultPace())
		s.LoadModel(t.Context(), func(string) {})
		ask := func(limit string) (answer struct {
			Choices []struct {
				Message struct {
					Content   *string
					Reasoning *string `json:"reasoning_content"`
				}
				Finish string `json:"finish_reason"`
			}
			Usage struct {
				Tokens int `json:"completion_tokens"`
			}
		},
		) {
			_, text := post(t, s, `{"model":"m","messages":[{"role":"user","content":"why?"}],"max_tokens":`+limit+`}`)
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatal(err)
			}
			return answer
		}
		whole := ask("500")
		if diff := cmp.Diff(whole, ask("500")); diff != "" {
			t.Errorf("two answers differ:\n%s", diff)
		}
		if c := whole.Choices[0]; c.Finish != "stop" || c.Message.Content == nil || c.Message.Reasoning == nil || whole.Usage.Tokens < 40 {
			t.Errorf("answered %+v", whole)
		}
		if c := ask("5").Choices[0]; c.Finish != "length" || c.Message.Content != nil || c.Message.Reasoning == nil {
			t.Errorf("cut while it thought: %+v", c)
		}
		if _, text := get(t, s, "/metrics"); !strings.Contains(text, `vllm:request_success_total{model_name="m"} 3`) || !strings.Contains(text, `vllm:num_requests_running{model_name="m"} 0`) {
			t.Errorf("metrics:\n%s", text)
		}
		if _, text := get(t, s, "/v1/models"); !strings.Contains(text, `"id":"m"`) {
			t.Errorf("models: %s", text)
		}
	})
}

func TestServer_refuses_as_vLLM_does(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, DefaultPace())
		s.LoadModel(t.Context(), func(string) {})
		for body, want := range map[string]int{
			`{"model":"other","messages":[{"role":"user","content":"x"}]}`:               http.StatusNotFound,
			`{"model":"m","messages":[]}`:                                                http.StatusBadRequest,
			`{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":2000}`: http.StatusBadRequest,
			`{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0}`:    http.StatusBadRequest,
			`{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}`:     http.StatusBadRequest,
			`{`: http.StatusBadRequest,
		} {
			if status, text := post(t, s, body); status != want || !strings.Contains(text, `"error"`) {
				t.Errorf("%s: %d %s, want %d", body, status, text, want)
			}
		}
	})
}

func TestBatch_shares_the_speed_among_its_requests(t *testing.T) {
	for _, test := range []struct {
		why      string
		requests int
		pace     Pace
		want     time.Duration
	}{
		{"one goes as fast as it can", 1, Pace{1e9, 10, 100, 8}, 10 * time.Second},
		{"a few do not hold each other up", 5, Pace{1e9, 10, 100, 8}, 10 * time.Second},
		{"many share", 8, Pace{1e9, 10, 40, 8}, 20 * time.Second},
		{"who finds no seat waits", 4, Pace{1e9, 10, 100, 2}, 20 * time.Second},
		{"reading takes time too", 1, Pace{50, 10, 100, 8}, 11 * time.Second},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBatch(test.pace)
				from := time.Now()
				var all sync.WaitGroup
				for range test.requests {
					all.Go(func() {
						if err := b.work(t.Context(), 50, 100); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if took := time.Since(from).Round(10 * time.Millisecond); took != test.want {
					t.Errorf("took %v, want %v", took, test.want)
				}
				if running, waiting := b.load(); running != 0 || waiting != 0 {
					t.Errorf("left %d running, %d waiting", running, waiting)
				}
			})
		})
	}
}
