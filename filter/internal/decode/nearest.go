package decode

import "github.com/sallyport-gateway/sallyport/filter/internal/ascii"

// maxNameLength bounds the names that are compared: the distance costs the
// product of both lengths.
const maxNameLength = 40

// Nearest returns the candidate that name was probably meant to be: the same
// but for case, '-' and '_', or at most a third of its letters away.
func Nearest(name string, candidates []string) (nearest string, ok bool) {
	if len(name) > maxNameLength {
		return "", false
	}
	plain := plainName(name)
	best := len(plain)/3 + 1
	for _, candidate := range candidates {
		if len(candidate) > maxNameLength {
			continue
		}
		if d := distance(plain, plainName(candidate)); d < best {
			nearest, best, ok = candidate, d, true
		}
	}
	return nearest, ok
}

// Suggest is `; did you mean "x"?`, or "" when nothing is near.
func Suggest(name string, candidates []string) string {
	if nearest, ok := Nearest(name, candidates); ok {
		return "; did you mean " + Quote(nearest) + "?"
	}
	return ""
}

func plainName(name string) string {
	plain := make([]byte, 0, len(name))
	for _, c := range []byte(ascii.Lower(name)) {
		if c != '-' && c != '_' {
			plain = append(plain, c)
		}
	}
	return string(plain)
}

// distance is Levenshtein's, over bytes. Both are at most maxNameLength runes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
