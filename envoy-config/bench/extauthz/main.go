// Command extauthz is the service behind one of the bench's contenders, Envoy's
// ext_authz over gRPC, and does the least such a service can do. It knows one
// API key, and removes it from the request. It prints its address and serves
// until its standard input ends.
//
// It is a module of its own: nothing else of Sallyport needs gRPC.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

const keyHeader = "x-api-key"

type service struct {
	authv3.UnimplementedAuthorizationServer
	key string
}

// Check implements authv3.AuthorizationServer. An answer without an OkResponse,
// or with a code other than OK, is a refusal (403).
func (s service) Check(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	if r.GetAttributes().GetRequest().GetHttp().GetHeaders()[keyHeader] != s.key {
		return &authv3.CheckResponse{Status: &status.Status{Code: int32(codes.Unauthenticated)}}, nil
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
			HeadersToRemove: []string{keyHeader},
			Headers:         []*corev3.HeaderValueOption{},
		}},
	}, nil
}

func main() {
	key := flag.String("key", "", "the one API key that passes")
	flag.Parse()
	if err := run(*key); err != nil {
		fmt.Fprintln(os.Stderr, "extauthz:", err)
		os.Exit(1)
	}
}

func run(key string) error {
	if key == "" {
		return errors.New("-key is needed")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := grpc.NewServer()
	authv3.RegisterAuthorizationServer(server, service{key: key})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the bench
		server.Stop()
	}()
	fmt.Println(listener.Addr())
	return server.Serve(listener)
}
