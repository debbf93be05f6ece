// The burn service as a Go programmer writes it: a goroutine for each client, GOMAXPROCS as it comes.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const threadCPUTimeID = 3

func threadCPU() time.Duration {
	var now syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadCPUTimeID, uintptr(unsafe.Pointer(&now)), 0)
	return time.Duration(now.Nano())
}

const stretchRounds = 50_000

var stretchTime time.Duration

func stretch(value uint32) uint32 {
	for i := 0; i < stretchRounds; i++ {
		value = value*1_664_525 + 1_013_904_223
	}
	return value
}

// What one stretch of work costs, for those that cannot be measured.
func calibrate() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stretchTime = time.Hour
	for i := 0; i < 500; i++ {
		start := threadCPU()
		sink += stretch(uint32(i))
		if took := threadCPU() - start; took < stretchTime {
			stretchTime = took
		}
	}
}

var sink uint32

// Computes until it has used that much CPU time: the sum of short stretches, each measured by the clock of its thread. A
// stretch in which the goroutine changed threads, or another ran on its thread, counts as what a stretch costs.
func burn(amount time.Duration) uint32 {
	value := uint32(1)
	for used := time.Duration(0); used < amount; {
		start := threadCPU()
		value = stretch(value)
		took := threadCPU() - start
		if took < stretchTime/2 || took > 4*stretchTime {
			took = stretchTime
		}
		used += took
	}
	return value
}

// Computes until so much time has passed.
func computeFor(amount time.Duration) uint32 {
	value := uint32(1)
	for start := time.Now(); time.Since(start) < amount; {
		value = stretch(value)
	}
	return value
}

// Does what the line asks for: CPU time, to compute for a time, or to sleep.
func work(line []byte) uint32 {
	ms, _ := strconv.Atoi(string(line[1:6]))
	amount := time.Duration(ms) * time.Millisecond
	switch line[0] {
	case 'b':
		return burn(amount)
	case 'w':
		return computeFor(amount)
	case 's':
		time.Sleep(amount)
	}
	return 1
}

func serve(client net.Conn) {
	defer client.Close()
	reader := bufio.NewReader(client)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		if line[0] != 'l' && work(line) == 0 {
			fmt.Print()
		}
		for i, j := 0, len(line)-2; i < j; i, j = i+1, j-1 {
			line[i], line[j] = line[j], line[i]
		}
		if _, err := client.Write(line); err != nil {
			return
		}
	}
}

func main() {
	calibrate()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Server running on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(client)
	}
}
