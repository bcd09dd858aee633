package simulator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// commandTimeout is how long a far end may think.
const commandTimeout = 10 * time.Second

// Obey has command do what the lines of r say, in words, and writes one line about each to w.
func Obey(ctx context.Context, r io.Reader, w io.Writer, command func(ctx context.Context, words []string) (string, error)) {
	lines := bufio.NewScanner(r)
	for lines.Scan() && ctx.Err() == nil {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		result, err := func() (string, error) {
			ctx, cancel := context.WithTimeout(ctx, commandTimeout)
			defer cancel()
			return command(ctx, words)
		}()
		if err != nil {
			result = err.Error()
		}
		fmt.Fprintf(w, "%s: %s\n", strings.Join(words, " "), result)
	}
}
