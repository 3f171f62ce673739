# Reads `go test -v`: a line as each package ends, what a failed test said, which tests hung or did not compile, and at the
# end the scenarios by driver and the sum. The whole log is in build/test.log.
function name(line) { sub(/^ *--- (PASS|FAIL|SKIP): /, "", line); sub(/ \([0-9.]+s\)$/, "", line); return line }
/^(===|ok|FAIL|\?) ?|^ *--- / { aloud = 0 } # what the compiler, or the runtime, had to say is over
/^=== (RUN|CONT|NAME|PAUSE)/ { current = $3; next }
/^ *--- PASS: /  { passed++; delete said[name($0)]; next }
/^ *--- SKIP: /  { n = name($0); skipped++; why[n] = said[n]; delete said[n]; next }
/^ *--- FAIL: /  { n = name($0); failed++; printf "%s\n%s", $0, said[n]; delete said[n]; next }
/^[0-9]+ scenarios on / { lines = lines "  " $0 "\n"; next }
/^ok  *\t|^ok *\t/ { printf "%-9s %s\n", "ok " $3, $2; if (lines) scenarios = scenarios lines; lines = ""; fflush(); next }
/^FAIL *\t/      {
	if (hung) print "HUNG      " $2 ":" hung
	if (hung || /build failed|setup failed/) broken++
	print; if (lines) scenarios = scenarios lines; lines = hung = ""; fflush(); next
}
/^# /                      { aloud = 1000 }
/^panic: |^fatal error: /  { aloud = 12 }
/^panic: test timed out /  { hung = " "; next }
hung && /^\t\t/            { hung = (hung == " " ? "" : hung ",") " " $1 " " $2; next }
hung                       { next }
aloud > 0                  { aloud--; print; fflush(); next }
/\[no test files\]$|^PASS$|^FAIL$|^exit status/ { next }
{ if (length(said[current]) < 8000) said[current] = said[current] $0 "\n" }
END {
	for (n in why) { reason = why[n]; sub(/^ *[a-z_]+\.go:[0-9]+: /, "", reason); sub(/\n.*/, "", reason); reasons[reason]++ }
	print ""
	for (reason in reasons) printf "skipped %4d: %s\n", reasons[reason], reason
	printf "%s", scenarios
	if (broken) printf "%d packages hung or did not compile\n", broken
	printf "%d passed, %d failed, %d skipped; the whole log is build/test.log\n", passed, failed, skipped
}
