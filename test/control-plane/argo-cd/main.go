// Command argo-cd-health runs a health check for Argo CD as Argo CD v3.2.12 does (util/lua/lua.go: runLua,
// ExecuteHealthLua). It uses the gopher-lua version of Argo CD's go.mod, limits a check to one second, and accepts the
// same statuses. It opens the libraries that Argo CD opens for checks of resource.customizations (package, base,
// table), but not the time and date functions of os.
//
// Its argument is the file of the check. It reads one JSON object per line, and writes for each one a line with
// {"status","message"} or {"error"}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

type answer struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"`
}

// statuses are those of gitops-engine, pkg/health/health.go.
var statuses = []string{"Unknown", "Progressing", "Suspended", "Healthy", "Degraded", "Missing"}

func main() {
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var object map[string]any
		if err := decode(lines.Text(), &object); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		health, err := check(string(script), object)
		if err != nil {
			health = answer{Error: err.Error()}
		}
		if err := out.Encode(health); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// decode keeps whole numbers whole, as Argo CD does.
func decode(line string, into *map[string]any) error {
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func check(script string, object map[string]any) (answer, error) {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(library.open), NRet: 0, Protect: true}, lua.LString(library.name)); err != nil {
			return answer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	l.SetContext(ctx)
	l.SetGlobal("obj", valueOf(l, object))
	if err := l.DoString(script); err != nil {
		return answer{}, err
	}
	table, ok := l.Get(-1).(*lua.LTable)
	if !ok {
		return answer{}, fmt.Errorf("expect table output from Lua script, not %s", l.Get(-1).Type())
	}
	// Argo CD converts the table to JSON and reads strings from it, so a number or a table there is an error.
	status, isText := table.RawGetString("status").(lua.LString)
	message := table.RawGetString("message")
	_, messageIsText := message.(lua.LString)
	if !isText || !(messageIsText || message == lua.LNil) {
		return answer{}, fmt.Errorf("status and message are to be texts")
	}
	if !slices.Contains(statuses, string(status)) {
		return answer{}, fmt.Errorf("Lua returned an invalid health status")
	}
	health := answer{Status: string(status)}
	if messageIsText {
		health.Message = message.String()
	}
	return health, nil
}

// valueOf converts as util/lua/lua.go, decodeValue does.
func valueOf(l *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case json.Number:
		number, _ := value.Float64()
		return lua.LNumber(number)
	case []any:
		list := l.CreateTable(len(value), 0)
		for _, item := range value {
			list.Append(valueOf(l, item))
		}
		return list
	case map[string]any:
		table := l.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetH(lua.LString(key), valueOf(l, item))
		}
		return table
	}
	return lua.LNil
}
