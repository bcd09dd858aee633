package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the times in /proc/PID/stat. Linux reports them in
// hundredths of a second to programs on every architecture that Go runs on
// there, whatever the kernel's own tick.
const clockTick = 10 * time.Millisecond

// cpuTime returns the processor time, user and system, that the process pid
// has used so far with all its threads.
func cpuTime(pid int) (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	if pid == os.Getpid() {
		// In a PID namespace with the outer /proc, our number is another's.
		path = "/proc/self/stat"
	}
	stat, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return parseCPUTime(string(stat))
}

// parseCPUTime reads fields 14 and 15 of a /proc/PID/stat line, proc(5). The
// second field, the program's name in parentheses, may hold anything.
func parseCPUTime(stat string) (time.Duration, error) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, errors.New("no program name in /proc/PID/stat")
	}
	fields := strings.Fields(stat[end+1:]) // the first one is field 3
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, errors.New("too few fields in /proc/PID/stat")
	}
	user, err := strconv.ParseUint(fields[utime], 10, 48)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseUint(fields[stime], 10, 48)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * clockTick, nil
}
