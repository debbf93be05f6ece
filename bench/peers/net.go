// A reverse server as a Go programmer writes it: a goroutine for each client. Usage: net chunk|line.
// With `line` it answers through a bufio.Writer that is flushed once nothing more has arrived.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
)

func reverse(bytes []byte) {
	for i, j := 0, len(bytes)-1; i < j; i, j = i+1, j-1 {
		bytes[i], bytes[j] = bytes[j], bytes[i]
	}
}

func serveChunks(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, 4096)
	for {
		length, err := client.Read(buffer)
		if err != nil {
			return
		}
		reverse(buffer[:length])
		if _, err := client.Write(buffer[:length]); err != nil {
			return
		}
	}
}

func serveLines(client net.Conn) {
	defer client.Close()
	reader, writer := bufio.NewReader(client), bufio.NewWriter(client)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		reverse(line[:len(line)-1])
		if _, err := writer.Write(line); err != nil {
			return
		}
		if reader.Buffered() == 0 && writer.Flush() != nil {
			return
		}
	}
}

func main() {
	serve := serveChunks
	if len(os.Args) > 1 && os.Args[1] == "line" {
		serve = serveLines
	}
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
