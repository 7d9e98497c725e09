// Command oracle reads bundles of Kubernetes objects, one JSON line each. It writes the verdict of upstream on each
// bundle in the same order, one JSON line each.
//
//	in:  {"id": "...", "objects": [...]}
//	out: {"id": "...", "errors": [{"by": "controller", "object": "Rollout/web", "path": "spec.selector", "text": "...", "missing": false}], "lint": {"text": "..."}}
//
// With -lint it only runs upstream's own `kubectl argo rollouts lint`; without -lint it runs everything else.
//
// With -conditions it evaluates conditions of metrics instead, on one result of each type:
//
//	in:  {"condition": "result > 0.9"}
//	out: {"results": {"number": "true", "text": "error: ...", ...}}
//
// With -timeline it follows an update of a Rollout, see timeline.go:
//
//	in:  {"rollout": {...}, "hasRouter": true}
//	out: {"stages": [{"states": [[0, 5, 0, 100], [1, 5, 20, 80]], "end": "done"}], "aborts": [...], "preview": 0, "active": 0}
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/sirupsen/logrus"
)

type bundle struct {
	ID      string            `json:"id"`
	Objects []json.RawMessage `json:"objects"`
}

// refusal is one reason why upstream rejects a bundle.
type refusal struct {
	// By is "api server", "controller" or "analysis": the component that rejects, in the order in which they see an
	// object.
	By     string `json:"by"`
	Object string `json:"object"`
	Path   string `json:"path"`
	Text   string `json:"text"`
	// Missing reports a reference to an object outside the bundle.
	Missing bool `json:"missing"`
}

type verdict struct {
	ID     string    `json:"id"`
	Errors []refusal `json:"errors"`
	Lint   *string   `json:"lint,omitempty"`
}

func main() {
	crds := flag.String("crds", "", "folder of the CustomResourceDefinitions of Argo Rollouts")
	lint := flag.Bool("lint", false, "ask upstream's lint instead")
	conditions := flag.Bool("conditions", false, "evaluate conditions instead")
	timelines := flag.Bool("timeline", false, "follow updates instead")
	flag.Parse()
	logrus.SetOutput(io.Discard)
	// A program built with -cover writes its counters only when it exits normally.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() { <-signals; os.Exit(0) }()

	answer := aboutBundle(lintBundle)
	if *conditions {
		answer = evaluateCondition
	} else if *timelines {
		answer = timeline
	} else if !*lint {
		schemas, err := readSchemas(*crds)
		if err != nil {
			log.Fatal(err)
		}
		answer = aboutBundle(schemas.judge)
	}

	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			v, err := answer(line)
			if err != nil {
				log.Fatal(err)
			}
			data, err := json.Marshal(v)
			if err != nil {
				log.Fatal(err)
			}
			fmt.Fprintf(out, "%s\n", data)
		}
		// fast-check waits for one answer before it asks the next question while it shrinks a case.
		if in.Buffered() == 0 {
			out.Flush()
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

func aboutBundle(judge func(bundle) (verdict, error)) func([]byte) (any, error) {
	return func(line []byte) (any, error) {
		var b bundle
		if err := json.Unmarshal(line, &b); err != nil {
			return nil, fmt.Errorf("a line is no bundle: %w", err)
		}
		v, err := judge(b)
		if err != nil {
			return nil, fmt.Errorf("bundle %s: %w", b.ID, err)
		}
		return v, nil
	}
}
