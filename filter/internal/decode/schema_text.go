package decode

// VisibleSchema is what Reader.Visible reads.
func VisibleSchema(about string) *Schema { return bounded(about, "^[!-~]+$", maxVisible) }

// PrintableSchema is what Reader.Printable reads.
func PrintableSchema(about string) *Schema { return bounded(about, "^[ -~]+$", maxVisible) }

// AuthoritySchema is what Reader.Authority reads.
func AuthoritySchema(about string) *Schema {
	return bounded(about, `^[0-9A-Za-z._:\[\]-]+$`, maxVisible).WithExamples("dev-123456.okta.com")
}

// PathSchema is what Reader.Path reads.
func PathSchema(about string) *Schema { return bounded(about, `^/[!"$->@-~]*$`, maxVisible) }

const headerPattern = "^[0-9A-Za-z!#$%&'*+.^_`|~-]+$"

// HeaderSchema is what Reader.HeaderName reads.
func HeaderSchema(about string) *Schema { return bounded(about, headerPattern, maxHeaderName) }

// HeaderOrNoneSchema also allows "".
func HeaderOrNoneSchema(about string) *Schema {
	return bounded(about, "^$|"+headerPattern, maxHeaderName)
}

// PrefixesSchema is what Reader.Prefixes reads, with at least low items.
func PrefixesSchema(about string, low int) *Schema {
	return ListSchema(about, TextSchema("").WithExamples("192.0.2.0/24", "2001:db8::/32"), low, maxPrefixes)
}

// SecretSchema is what Reader.Secret reads.
func SecretSchema(about string) *Schema {
	inline := TextSchema("The secret itself, which is then in every dump of the proxy's configuration.")
	return ObjectSchema(&secretMembers, about, Shapes{
		"env":    PatternSchema("A variable of the VM's environment.", "^[A-Za-z_][0-9A-Za-z_]*$").WithExamples("OKTA_CLIENT_SECRET"),
		"inline": inline,
	}).ExactlyOne()
}

func bounded(about, pattern string, maxLength int) *Schema {
	s := PatternSchema(about, pattern)
	s.MaxLength = maxLength
	return s
}

// HeaderValueSchema is what Reader.HeaderValue reads.
func HeaderValueSchema(about string) *Schema {
	return bounded(about, "^([!-~]([ -~]*[!-~])?)?$", maxHeaderValue)
}

// HeaderFieldSchema is what Reader.HeaderField reads.
func HeaderFieldSchema(about string) *Schema { return HeaderSchema(about) }
