package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// residentOctets returns how much memory of the process pid is resident: VmRSS of
// /proc/PID/status, proc(5).
func residentOctets(pid int) (uint64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	if pid == os.Getpid() {
		path = "/proc/self/status" // as in cpuTime
	}
	status, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return parseResident(string(status))
}

func parseResident(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		kib, ok := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		if !ok {
			break
		}
		n, err := strconv.ParseUint(kib, 10, 53)
		return n << 10, err
	}
	return 0, errors.New("no VmRSS in /proc/PID/status")
}
