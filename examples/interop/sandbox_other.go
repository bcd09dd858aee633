//go:build !linux

package interop

import "errors"

func sandbox([]string) (int, error) {
	return 0, errors.New("network namespaces are Linux's")
}
