// Command etcd is the etcd server.
//
// Upstream's main package is called "server", and so would its binary be.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
