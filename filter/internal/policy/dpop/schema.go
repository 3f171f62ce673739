package dpop

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
)

// Schema describes what Decode reads.
func Schema() *decode.Schema {
	return decode.ObjectSchema(&optionMembers, "Accepts tokens with the scheme DPoP (RFC 9449).", decode.Shapes{
		"required":       decode.BooleanSchema("Refuse tokens with the scheme Bearer.").WithDefault(false),
		"algorithms":     AlgorithmsSchema(),
		"max_age":        decode.DurationSchema("How long ago a proof may have been made.", minProofAge, maxProofAge).WithDefault(defaultProofAge),
		"clock_skew":     decode.DurationSchema("How far in the future it may have been made.", 0, maxProofSkew).WithDefault(defaultProofSkew),
		"replay_entries": decode.IntegerSchema("How many proofs are remembered, at least; used proofs stay used when this changes.", minReplayEntries, MaxEntries).WithDefault(defaultReplayEntries),
	})
}

// AlgorithmsSchema describes what DecodeAlgorithms reads.
func AlgorithmsSchema() *decode.Schema {
	return decode.ListSchema("Signature algorithms.", decode.WordSchema("", jose.Algorithms...), 1, len(jose.Algorithms))
}
