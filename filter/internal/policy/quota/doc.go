// Package quota implements the step quota: so many requests in a minute, hour,
// day, week or month, for each app, product, API, token subject or client.
//
// # Modes
//
// In local mode the count is kept in the host's shared data: exact over the
// workers of one Envoy, and each Envoy has a count of its own. It needs no engine.
//
// In the other modes the count is that of an engine: a service of
// envoy.service.ratelimit.v3, such as envoyproxy/ratelimit with Redis, which is
// asked through a cluster of the host with the limit in the request. In exact
// mode it is asked before a request goes on; requests of one party share a call
// when one is already in flight. In reconciled mode each Envoy admits a share
// by itself and reports it: see account.spendShare for the bound.
//
// # Exactness with an engine
//
// The engine's count decides, so no more than the limit is admitted in a window
// of the engine's. What a call carries counts there as a whole, admitted or
// not, which can refuse too early in two ways, and never admit too much:
//
//   - A call that comes when the limit is reached adds its hits. Each worker makes
//     at most one such call, and none after an answer that says that nothing is
//     left. So where a limit that was reached is raised within its window, that
//     many hits are missing.
//   - A shared call that does not fit as a whole is refused as a whole. It carries
//     at most a sixteenth of what was left when the engine last answered, or one
//     request where that is less than one.
//
// # Windows of the engine
//
// envoyproxy/ratelimit counts in spans of its own since 1970: its minutes,
// hours and days are those of UTC, and by its own clock. Its weeks begin on
// Thursdays, its months have 30 days and its years 365. So a week and a month
// are given to it by name, in its longest span: keys then live for a year. That
// year turns once in one such window, on 18 December in 2026; before and after
// it each part of the window has its share of the limit by its length, so that
// the sum holds. A window that begins with a party's first request is for local
// mode only.
//
// # Without the engine
//
// A call that fails, and one that breaker.Guard does not let out, leaves the
// request to OnFailure: refuse it, or let it go on if the limit allows it as
// far as this Envoy knows, or let so many of them go on. What went on is
// reported as soon as the engine can be asked again, in the same window.
//
// # What is sent and kept
//
// Names of apps, products and APIs are sent as they are. A token's subject and
// a client's address are sent as the first half of their SHA-256. Shared data
// has only hashes under a secret of the host's.
package quota
