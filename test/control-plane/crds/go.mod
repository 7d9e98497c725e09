module rollgate.io/control-plane/crds

go 1.24.0

// Only their CRDs are read; nothing is built.
require (
	istio.io/api v1.27.1
	sigs.k8s.io/gateway-api v1.4.0
)
