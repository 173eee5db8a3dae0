package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func kstatus(object *unstructured.Unstructured) (verdict, error) {
	result, err := status.Compute(object)
	if err != nil {
		return verdict{}, err
	}
	return verdict{string(result.Status), result.Message}, nil
}

// Argo CD opens only these libraries for a script, unless useOpenLibs is set for its kind.
var libraries = map[string]lua.LGFunction{
	lua.LoadLibName: lua.OpenPackage,
	lua.BaseLibName: lua.OpenBase,
	lua.TabLibName:  lua.OpenTable,
}

// The time that Argo CD gives a script.
const limit = time.Second

func health(script string) judgement {
	return func(object *unstructured.Unstructured) (verdict, error) {
		state := lua.NewState(lua.Options{SkipOpenLibs: true})
		defer state.Close()
		for _, name := range []string{lua.LoadLibName, lua.BaseLibName, lua.TabLibName} {
			open := lua.P{Fn: state.NewFunction(libraries[name]), Protect: true}
			if err := state.CallByParam(open, lua.LString(name)); err != nil {
				return verdict{}, err
			}
		}
		running, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		state.SetContext(running)
		state.SetGlobal("obj", toLua(state, object.Object))
		if err := state.DoString(script); err != nil {
			return verdict{}, err
		}
		return answerOf(state.Get(-1), object.GetDeletionTimestamp() != nil)
	}
}

func answerOf(returned lua.LValue, deleted bool) (verdict, error) {
	table, ok := returned.(*lua.LTable)
	if !ok {
		return verdict{}, fmt.Errorf("the script returned a %s, not a table", returned.Type())
	}
	health, isText := table.RawGetString("status").(lua.LString)
	message, isMessage := table.RawGetString("message").(lua.LString)
	if !isText || !isMessage {
		return verdict{}, fmt.Errorf("status and message must be strings")
	}
	if !deleted {
		return verdict{string(health), string(message)}, nil
	}
	// For an object that is being deleted, Argo CD uses a script only if it returns a deletionMessage.
	farewell, isFarewell := table.RawGetString("deletionMessage").(lua.LString)
	if !isFarewell {
		return verdict{"Progressing", "Pending deletion"}, nil
	}
	return verdict{string(health), string(farewell)}, nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case int64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		list := state.NewTable()
		for _, each := range value {
			list.Append(toLua(state, each))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, each := range value {
			table.RawSetString(key, toLua(state, each))
		}
		return table
	}
	return lua.LNil
}
