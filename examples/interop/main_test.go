package interop

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m, "twagd", "hsssim", "ocssim", "apsim", "twagctl")) }
