package wire

import "encoding/binary"

// frameHeader is the flag and the length before each gRPC message. Source: gRPC over HTTP/2, "Length-Prefixed-Message".
const frameHeader = 5

// AppendFrame appends an uncompressed gRPC message with its prefix.
func AppendFrame(b, message []byte) []byte {
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
	return append(b, message...)
}

// ParseFrames splits a gRPC body into messages; false when a flag is set that the host does not take, compression
// included. An incomplete message is left out. Source: Envoy source/common/grpc/codec.cc, async_client_impl.cc.
func ParseFrames(b []byte) (messages [][]byte, ok bool) {
	for len(b) > 0 {
		if b[0] != 0 {
			return nil, false
		}
		if len(b) < frameHeader {
			break
		}
		n := uint64(binary.BigEndian.Uint32(b[1:]))
		if n > uint64(len(b)-frameHeader) {
			break
		}
		messages = append(messages, b[frameHeader:frameHeader+n])
		b = b[frameHeader+n:]
	}
	return messages, true
}
