package quantity

import "testing"

func TestParse_reads_numbers_as_Kubernetes_writes_them(t *testing.T) {
	for _, tc := range []struct {
		text string
		want float64
		why  string
	}{
		{"5", 5, "a plain number"},
		{"-1.5", -1.5, "a sign and a fraction"},
		{".5", 0.5, "no digit before the point"},
		{"5.", 5, "none behind it"},
		{"500m", 0.5, "thousandths"},
		{"250u", 0.00025, "millionths"},
		{"1k", 1000, "decimal suffix"},
		{"3G", 3e9, "decimal suffix"},
		{"1Ki", 1024, "binary suffix"},
		{"10Mi", 10 * 1024 * 1024, "binary suffix"},
		{"1E", 1e18, "a suffix that could begin an exponent"},
		{"1Ei", 1 << 60, "binary suffix with the same letter"},
		{"1e3", 1000, "an exponent"},
		{"2E-3", 0.002, "a negative exponent"},
	} {
		got, err := Parse(tc.text)
		if err != nil || got != tc.want {
			t.Errorf("%s: Parse(%q) = %v, %v, want %v", tc.why, tc.text, got, err, tc.want)
		}
	}
}

func TestParse_refuses_what_is_no_quantity(t *testing.T) {
	for _, text := range []string{"", "NaN", "Inf", "abc", "1 k", "1K", "0x10", "1e", "1e9999", "--1", "1.2.3", "1mm"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
}
