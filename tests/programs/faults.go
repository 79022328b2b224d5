// SPDX-License-Identifier: MIT
// What Go learns by SIGSEGV and turns into a panic, beside threads that take memory by malloc through cgo.
package main

/*
#include <stdlib.h>
#include <string.h>

static long fill(int rounds) {
	long sum = 0;
	for (int i = 0; i < rounds; i++) {
		size_t size = 16 + (size_t)(i * 37 % 2000);
		char *object = malloc(size);
		memset(object, i, size);
		sum += object[size - 1];
		free(object);
	}
	return sum;
}
*/
import "C"

import (
	"fmt"
	"sync"
)

type node struct {
	value int
	next  *node
}

func sumOf(n *node) (sum int, caught int) {
	defer func() {
		if recover() != nil {
			caught = 1
		}
	}()
	return n.value + n.next.value, 0
}

func main() {
	caught, sum := 0, 0
	for i := 0; i < 20000; i++ {
		n := &node{value: i & 1}
		if i%3 == 0 {
			n.next = n
		}
		s, c := sumOf(n)
		sum += s
		caught += c
	}
	var filled [4]C.long
	var group sync.WaitGroup
	for t := range filled {
		group.Add(1)
		go func(mine *C.long) {
			defer group.Done()
			for round := 0; round < 20; round++ {
				*mine += C.fill(1000)
				sumOf(nil)
			}
		}(&filled[t])
	}
	group.Wait()
	fmt.Println(caught, "null pointers, sum", sum, filled)
	C.exit(0) // Go's own end passes the C library by, and with it what is told at exit
}
