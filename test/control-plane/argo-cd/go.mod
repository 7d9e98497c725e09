module rollgate.io/control-plane/argo-cd

go 1.24

require github.com/yuin/gopher-lua v1.1.1
