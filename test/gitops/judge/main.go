// The judge: how other tools read our objects, by the code of these tools.
//
//	judge kstatus              kstatus (kpt, Flux) on each object
//	judge health FILE.lua      a health script, as Argo CD runs it, on each object
//	judge build FOLDER         the output of kustomize for a folder, as YAML
//	judge wait ARGUMENTS       kubectl wait
//
// kstatus and health read one object a line as JSON and answer each with a line of JSON.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/wait"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type judgement func(*unstructured.Unstructured) (verdict, error)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	usage := errors.New("usage: judge kstatus | health FILE.lua | build FOLDER | wait ARGUMENTS")
	if len(args) == 0 {
		return usage
	}
	switch verb, rest := args[0], args[1:]; {
	case verb == "kstatus" && len(rest) == 0:
		return eachLine(os.Stdin, os.Stdout, kstatus)
	case verb == "health" && len(rest) == 1:
		script, err := os.ReadFile(rest[0])
		if err != nil {
			return err
		}
		return eachLine(os.Stdin, os.Stdout, health(string(script)))
	case verb == "build" && len(rest) == 1:
		return build(rest[0])
	case verb == "wait":
		streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
		flags := genericclioptions.NewConfigFlags(true)
		command := wait.NewCmdWait(flags, streams)
		flags.AddFlags(command.Flags())
		command.SetArgs(rest)
		return command.Execute()
	}
	return usage
}

func eachLine(in io.Reader, out io.Writer, judge judgement) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		object := &unstructured.Unstructured{}
		// Makes whole numbers int64, as in an object from an API server.
		if err := utiljson.Unmarshal(lines.Bytes(), &object.Object); err != nil {
			return err
		}
		answer, err := judge(object)
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Bytes(), err)
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func build(folder string) error {
	result, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return err
	}
	yaml, err := result.AsYaml()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(yaml)
	return err
}
