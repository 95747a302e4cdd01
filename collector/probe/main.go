// Asks the collector's health check whether it works: an image made from scratch has no other
// program that could.
package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://127.0.0.1:13133/")
	if err != nil || response.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}
