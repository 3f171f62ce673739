package decode

import "github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"

// Value is the text of one JSON value, known to be valid.
type Value = jsonobject.Value
