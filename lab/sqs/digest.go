package sqs

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum against garbled messages, no secret rests on it
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

func digest(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // the protocol's checksum
	return hex.EncodeToString(sum[:])
}

// digestAttributes follows the service's developer guide: of each attribute by name, the name, the type, which kind of
// value it is, and the value, each with its length before it.
func digestAttributes(all map[string]attribute) string {
	if len(all) == 0 {
		return ""
	}
	var b []byte
	put := func(text []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text))) //nolint:gosec // messages are below 1 MiB
		b = append(b, text...)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		put([]byte(name))
		put([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			put(a.BinaryValue)
			continue
		}
		b = append(b, 1)
		put([]byte(a.StringValue))
	}
	sum := md5.Sum(b) //nolint:gosec // the protocol's checksum
	return hex.EncodeToString(sum[:])
}
