package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain lets more tests run at a time than there are processors: the parallel ones are those that
// wait for seconds to pass.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	good := write("good.yaml", minimal)
	weak := write("weak.yaml", strings.Replace(minimal, "twenty-characters-at-least", "testing123", 1))
	bad := write("bad.yaml", minimal+"colour: red\n")

	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{"help", []string{"-h"}, exitOK, "", "configuration file"},
		{"no flag", []string{"lab"}, exitUsage, "", `"lab" is not a flag`},
		{"unknown flag", []string{"-colour"}, exitUsage, "", "not defined: -colour"},
		{"check without a file", []string{"-check"}, exitUsage, "", "-check needs -config"},
		{"negative time", []string{"-duration", "-1s"}, exitUsage, "", "-duration must not be negative"},
		{"good file", []string{"-config", good, "-check"}, exitOK, "good.yaml: no mistake found", ""},
		{"the sample", []string{"-config", "twagd.yaml", "-check"}, exitOK, "no mistake found", ""},
		{"weak secret", []string{"-config", weak, "-check"}, exitOK, "no mistake found", "WARNING: " + weak + ":10: radius.clients[0].secret: weak"},
		{"bad file", []string{"-config", bad, "-check"}, exitUsage, "", "bad.yaml:11: colour: unknown key"},
		{"bad file without -check", []string{"-config", bad}, exitUsage, "", "bad.yaml:11: colour: unknown key"},
		{"no file", []string{"-config", filepath.Join(dir, "absent")}, exitUsage, "", "no such file"},
		{"no profile", []string{"-config", good, "-cpuprofile", filepath.Join(dir, "absent", "x")}, exitFailed, "", "-cpuprofile"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := twagd(context.Background(), tc.args, &stdout, &stderr)
			require.Equal(t, tc.code, code, "%s%s", &stdout, &stderr)
			require.Contains(t, stdout.String(), tc.stdout)
			require.Contains(t, stderr.String(), tc.stderr)
			require.NotContains(t, stdout.String()+stderr.String(), "testing123")
		})
	}
}
