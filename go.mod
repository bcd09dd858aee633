module github.com/opentwag/twag

go 1.26.0

require (
	github.com/fiorix/go-diameter/v4 v4.1.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/crypto v0.58.0
	golang.org/x/sys v0.49.0
	layeh.com/radius v0.0.0-20231213012653-1006025d24f8
)

require (
	github.com/ishidawataru/sctp v0.0.0-20251114114122-19ddcbc6aae2 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
