// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

var possible struct {
	once sync.Once
	n    int
	err  error
}

// countCPUs reads a list such as "0-3,8-9"
func countCPUs(list string) (int, error) {
	n := 0
	for _, part := range strings.Split(strings.TrimSpace(list), ",") {
		var first, last int
		if _, err := fmt.Sscanf(part, "%d-%d", &first, &last); err != nil {
			if _, err = fmt.Sscanf(part, "%d", &first); err != nil {
				return 0, fmt.Errorf("%q is no list of CPUs", list)
			}
			last = first
		}
		n += last - first + 1
	}
	return n, nil
}

// PossibleCPU is the number of CPUs that a value of a per-CPU type has values for
func PossibleCPU() (int, error) {
	possible.once.Do(func() {
		list, err := os.ReadFile("/sys/devices/system/cpu/possible")
		if err != nil {
			possible.err = err
			return
		}
		possible.n, possible.err = countCPUs(string(list))
	})
	return possible.n, possible.err
}

// possibleCPUs is for maps that exist, which have looked before
func possibleCPUs() int {
	n, _ := PossibleCPU()
	return n
}
