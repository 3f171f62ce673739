// Package introspection asks the authorization server about the bearer token
// of a request (RFC 7662) and keeps what it said for the steps that follow.
//
// # What steps share
//
// Several steps, of one configuration or of the next one after a reload, may
// ask the same server about the same token. They share answers, those about
// inactive tokens, and calls in flight: by a key (key.go) that says what was
// asked, and of whom. Everything else that an option says is about one step's
// own use of an answer, and each reader applies its own, whoever stored the
// answer:
//
//	option                                  how it is respected
//	cluster, authority, path                key
//	client_id, client_auth                  key
//	client_secret; private_key.key,         key, hashed twice: who could not prove
//	  .key_id, .audience                    who it is gets nothing
//	private_key.ttl                         each call
//	cache.shared_entries                    key: other tables, other calls
//	cache.max_ttl, .ttl_without_exp         reader, from the moment of the answer;
//	                                        never longer than who stored it kept it
//	cache.negative_ttl                      reader, the same; 0 looks at none
//	cache: off                              reads and leaves nothing, joins no call
//	                                        but its own
//	cache.entries                           this VM's own cache
//	cache.refresh_ahead                     reader; who renews, renews for all
//	stale_if_error                          reader: an answer lies there for an hour
//	                                        more, but never past exp
//	precheck                                reader, before it looks at anything that
//	                                        is shared, or joins; see below
//	dpop, and cnf of the answer             every request
//	timeout, retry                          who makes the call; a reader waits no
//	                                        longer than its own timeout
//	max_in_flight, breaker                  who makes the call; the server's record
//	                                        is shared by cluster and authority
//	on_error, dry_run, enabled              every request (package pipeline)
//
// The cache of one VM belongs to one step, and a reload makes new ones. An
// entry is added only for a token that has passed the step's precheck, already
// cut to what the step allows, so a hit needs no check but that of the time:
// the token's own exp and nbf (with clock_skew) are a part of it. A key that
// the issuer withdraws is therefore noticed when the entry ends, after max_ttl
// at most.
package introspection
