package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/argoproj/argo-rollouts/pkg/kubectl-argo-rollouts/cmd/lint"
	"github.com/argoproj/argo-rollouts/pkg/kubectl-argo-rollouts/options"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

// lintBundle runs upstream's linter, which reads one file and prints its findings.
func lintBundle(b bundle) (verdict, error) {
	v := verdict{ID: b.ID, Errors: []refusal{}}
	dir, err := os.MkdirTemp("", "lint")
	if err != nil {
		return v, err
	}
	defer os.RemoveAll(dir)
	var text bytes.Buffer
	for _, object := range b.Objects {
		text.Write(object)
		text.WriteString("\n---\n")
	}
	file := filepath.Join(dir, "bundle.yaml")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return v, err
	}

	streams := genericclioptions.IOStreams{In: os.Stdin, Out: io.Discard, ErrOut: io.Discard}
	command := lint.NewCmdLint(options.NewArgoRolloutsOptions(streams))
	command.SetArgs([]string{"-f", file})
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SilenceErrors = true
	found := ""
	if err := silently(command.Execute); err != nil {
		found = err.Error()
	}
	v.Lint = &found
	return v, nil
}

// silently runs a function that prints to the standard output, which is reserved for our answers. A panic of the linter
// counts as a finding.
func silently(run func() error) (err error) {
	stdout := os.Stdout
	null, openErr := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if openErr != nil {
		return openErr
	}
	os.Stdout = null
	defer func() {
		os.Stdout = stdout
		null.Close()
		if crash := recover(); crash != nil {
			err = crashed(crash)
		}
	}()
	return run()
}
