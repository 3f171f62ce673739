package catalog

import "unicode/utf8"

// latin has the letter of ASCII for U+00C0 to U+017F, as the best-fit tables of
// Windows and accent-insensitive comparisons have it; "." where there is none.
const latin = "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty" +
	"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssss" +
	"ttttttuuuuuuuuuuuuwwyyyzzzzzzs"

// ranges have the characters that follow each other as those of ASCII do:
// each becomes the first one, or that many after it.
var ranges = [...]struct{ from, to, first, count rune }{
	{0xa0, 0xa0, ' ', 1}, {0x1680, 0x1680, ' ', 1}, {0x2000, 0x200a, ' ', 1}, {0x2028, 0x2029, ' ', 1},
	{0x202f, 0x202f, ' ', 1}, {0x205f, 0x205f, ' ', 1}, {0x3000, 0x3000, ' ', 1},
	// Accents of their own, and what has no width.
	{0xad, 0xad, -1, 1}, {0x300, 0x36f, -1, 1}, {0x200b, 0x200f, -1, 1}, {0x202a, 0x202e, -1, 1},
	{0x2060, 0x206f, -1, 1}, {0xfe00, 0xfe0f, -1, 1}, {0xfeff, 0xfeff, -1, 1},
	// Full width; mathematical letters and digits; letters in circles and squares; Greek and Cyrillic capitals.
	{0xff21, 0xff3a, 'a', 26}, {0xff01, 0xff5e, '!', 94}, {0x1d400, 0x1d6a3, 'a', 26}, {0x1d7ce, 0x1d7ff, '0', 10},
	{0x24b6, 0x24e9, 'a', 26}, {0x1f130, 0x1f149, 'a', 26}, {0x391, 0x3a9, 0x3b1, 25}, {0x410, 0x42f, 0x430, 32}, {0x400, 0x40f, 0x450, 16},
	// Digits above and below the line, in circles, of seven segments.
	{0x2074, 0x2079, '4', 6}, {0x2080, 0x2089, '0', 10}, {0x2460, 0x2468, '1', 9}, {0x1fbf0, 0x1fbf9, '0', 10},
}

// likeASCII has, in their order, further characters and what follows each: the
// ASCII that it becomes by compatibility and without accents (UAX #15, NFKD), or
// by a best-fit table of Windows. One that becomes a separator stands for that,
// also where it brings more with it; dots alone are one, and others are not.
// Nothing is longer than its character is in UTF-8.
const likeASCII = "\u00aaa\u00b22\u00b33\u00b91\u00bao\u0132ij\u0133ij\u01a0o\u01a1o\u01afu\u01b0u\u01c4dz\u01c5dz\u01c6dz\u01c7lj" +
	"\u01c8lj\u01c9lj\u01canj\u01cbnj\u01ccnj\u01cda\u01cea\u01cfi\u01d0i\u01d1o\u01d2o\u01d3u\u01d4u\u01d5u\u01d6u\u01d7u" +
	"\u01d8u\u01d9u\u01dau\u01dbu\u01dcu\u01dea\u01dfa\u01e0a\u01e1a\u01e6g\u01e7g\u01e8k\u01e9k\u01eao\u01ebo\u01eco" +
	"\u01edo\u01f0j\u01f1dz\u01f2dz\u01f3dz\u01f4g\u01f5g\u01f8n\u01f9n\u01faa\u01fba\u0200a\u0201a\u0202a\u0203a\u0204e" +
	"\u0205e\u0206e\u0207e\u0208i\u0209i\u020ai\u020bi\u020co\u020do\u020eo\u020fo\u0210r\u0211r\u0212r\u0213r\u0214u" +
	"\u0215u\u0216u\u0217u\u0218s\u0219s\u021at\u021bt\u021eh\u021fh\u0226a\u0227a\u0228e\u0229e\u022ao\u022bo\u022co" +
	"\u022do\u022eo\u022fo\u0230o\u0231o\u0232y\u0233y\u02b0h\u02b2j\u02b3r\u02b7w\u02b8y\u02e1l\u02e2s\u02e3x\u037e;" +
	"\u1d2ca\u1d2eb\u1d30d\u1d31e\u1d33g\u1d34h\u1d35i\u1d36j\u1d37k\u1d38l\u1d39m\u1d3an\u1d3co\u1d3ep\u1d3fr\u1d40t" +
	"\u1d41u\u1d42w\u1d43a\u1d47b\u1d48d\u1d49e\u1d4dg\u1d4fk\u1d50m\u1d52o\u1d56p\u1d57t\u1d58u\u1d5bv\u1d62i\u1d63r" +
	"\u1d64u\u1d65v\u1d9cc\u1da0f\u1dbbz\u1e00a\u1e01a\u1e02b\u1e03b\u1e04b\u1e05b\u1e06b\u1e07b\u1e08c\u1e09c\u1e0ad" +
	"\u1e0bd\u1e0cd\u1e0dd\u1e0ed\u1e0fd\u1e10d\u1e11d\u1e12d\u1e13d\u1e14e\u1e15e\u1e16e\u1e17e\u1e18e\u1e19e\u1e1ae" +
	"\u1e1be\u1e1ce\u1e1de\u1e1ef\u1e1ff\u1e20g\u1e21g\u1e22h\u1e23h\u1e24h\u1e25h\u1e26h\u1e27h\u1e28h\u1e29h\u1e2ah" +
	"\u1e2bh\u1e2ci\u1e2di\u1e2ei\u1e2fi\u1e30k\u1e31k\u1e32k\u1e33k\u1e34k\u1e35k\u1e36l\u1e37l\u1e38l\u1e39l\u1e3al" +
	"\u1e3bl\u1e3cl\u1e3dl\u1e3em\u1e3fm\u1e40m\u1e41m\u1e42m\u1e43m\u1e44n\u1e45n\u1e46n\u1e47n\u1e48n\u1e49n\u1e4an" +
	"\u1e4bn\u1e4co\u1e4do\u1e4eo\u1e4fo\u1e50o\u1e51o\u1e52o\u1e53o\u1e54p\u1e55p\u1e56p\u1e57p\u1e58r\u1e59r\u1e5ar" +
	"\u1e5br\u1e5cr\u1e5dr\u1e5er\u1e5fr\u1e60s\u1e61s\u1e62s\u1e63s\u1e64s\u1e65s\u1e66s\u1e67s\u1e68s\u1e69s\u1e6at" +
	"\u1e6bt\u1e6ct\u1e6dt\u1e6et\u1e6ft\u1e70t\u1e71t\u1e72u\u1e73u\u1e74u\u1e75u\u1e76u\u1e77u\u1e78u\u1e79u\u1e7au" +
	"\u1e7bu\u1e7cv\u1e7dv\u1e7ev\u1e7fv\u1e80w\u1e81w\u1e82w\u1e83w\u1e84w\u1e85w\u1e86w\u1e87w\u1e88w\u1e89w\u1e8ax" +
	"\u1e8bx\u1e8cx\u1e8dx\u1e8ey\u1e8fy\u1e90z\u1e91z\u1e92z\u1e93z\u1e94z\u1e95z\u1e96h\u1e97t\u1e98w\u1e99y\u1e9bs" +
	"\u1ea0a\u1ea1a\u1ea2a\u1ea3a\u1ea4a\u1ea5a\u1ea6a\u1ea7a\u1ea8a\u1ea9a\u1eaaa\u1eaba\u1eaca\u1eada\u1eaea\u1eafa" +
	"\u1eb0a\u1eb1a\u1eb2a\u1eb3a\u1eb4a\u1eb5a\u1eb6a\u1eb7a\u1eb8e\u1eb9e\u1ebae\u1ebbe\u1ebce\u1ebde\u1ebee\u1ebfe" +
	"\u1ec0e\u1ec1e\u1ec2e\u1ec3e\u1ec4e\u1ec5e\u1ec6e\u1ec7e\u1ec8i\u1ec9i\u1ecai\u1ecbi\u1ecco\u1ecdo\u1eceo\u1ecfo" +
	"\u1ed0o\u1ed1o\u1ed2o\u1ed3o\u1ed4o\u1ed5o\u1ed6o\u1ed7o\u1ed8o\u1ed9o\u1edao\u1edbo\u1edco\u1eddo\u1edeo\u1edfo" +
	"\u1ee0o\u1ee1o\u1ee2o\u1ee3o\u1ee4u\u1ee5u\u1ee6u\u1ee7u\u1ee8u\u1ee9u\u1eeau\u1eebu\u1eecu\u1eedu\u1eeeu\u1eefu" +
	"\u1ef0u\u1ef1u\u1ef2y\u1ef3y\u1ef4y\u1ef5y\u1ef6y\u1ef7y\u1ef8y\u1ef9y\u1fef`\u2024.\u2025.\u2026...\u203c!!\u2044/" +
	"\u2047?\u2048?\u2049?\u20700\u2071i\u207a+\u207c=\u207d(\u207e)\u207fn\u208a+\u208c=\u208d(\u208e)\u2090a\u2091e" +
	"\u2092o\u2093x\u2095h\u2096k\u2097l\u2098m\u2099n\u209ap\u209bs\u209ct\u20a8rs\u2100/\u2101/\u2102c\u2105/\u2106/" +
	"\u210ag\u210bh\u210ch\u210dh\u210eh\u2110i\u2111i\u2112l\u2113l\u2115n\u2116no\u2119p\u211aq\u211br\u211cr\u211dr" +
	"\u2120sm\u2121tel\u2122tm\u2124z\u2128z\u212ak\u212ba\u212cb\u212dc\u212fe\u2130e\u2131f\u2133m\u2134o\u2139i\u213bfax" +
	"\u2145d\u2146d\u2147e\u2148i\u2149j\u2160i\u2161ii\u2162iii\u2163iv\u2164v\u2165vi\u2166vii\u2168ix\u2169x\u216axi" +
	"\u216bxii\u216cl\u216dc\u216ed\u216fm\u2170i\u2171ii\u2172iii\u2173iv\u2174v\u2175vi\u2176vii\u2178ix\u2179x\u217axi" +
	"\u217bxii\u217cl\u217dc\u217ed\u217fm\u2215/\u2216\\\u2236:\u223c~\u2260=\u226e<\u226f>\u246910\u246a11\u246b12" +
	"\u246c13\u246d14\u246e15\u246f16\u247017\u247118\u247219\u247320\u2474(1)\u2475(2)\u2476(3)\u2477(4)\u2478(5)\u2479(6)" +
	"\u247a(7)\u247b(8)\u247c(9)\u24881.\u24892.\u248a3.\u248b4.\u248c5.\u248d6.\u248e7.\u248f8.\u24909.\u249110.\u249211." +
	"\u249312.\u249413.\u249514.\u249615.\u249716.\u249817.\u249918.\u249a19.\u249b20.\u249c(a)\u249d(b)\u249e(c)\u249f(d)" +
	"\u24a0(e)\u24a1(f)\u24a2(g)\u24a3(h)\u24a4(i)\u24a5(j)\u24a6(k)\u24a7(l)\u24a8(m)\u24a9(n)\u24aa(o)\u24ab(p)\u24ac(q)" +
	"\u24ad(r)\u24ae(s)\u24af(t)\u24b0(u)\u24b1(v)\u24b2(w)\u24b3(x)\u24b4(y)\u24b5(z)\u24ea0\u29f5\\\u29f8/\u29f9\\" +
	"\u2a74::=\u2a75==\u2a76===\u2c7cj\u2c7dv\u3250pte\u325121\u325222\u325323\u325424\u325525\u325626\u325727\u325828" +
	"\u325929\u325a30\u325b31\u325c32\u325d33\u325e34\u325f35\u32b136\u32b237\u32b338\u32b439\u32b540\u32b641\u32b742" +
	"\u32b843\u32b944\u32ba45\u32bb46\u32bc47\u32bd48\u32be49\u32bf50\u32cchg\u32cderg\u32ceev\u32cfltd\u3371hpa\u3372da" +
	"\u3373au\u3374bar\u3375ov\u3376pc\u3377dm\u3378dm2\u3379dm3\u337aiu\u3380pa\u3381na\u3383ma\u3384ka\u3385kb\u3386mb" +
	"\u3387gb\u3388cal\u338apf\u338bnf\u338emg\u338fkg\u3390hz\u3391khz\u3392mhz\u3393ghz\u3394thz\u3396ml\u3397dl\u3398kl" +
	"\u3399fm\u339anm\u339cmm\u339dcm\u339ekm\u339fmm2\u33a0cm2\u33a1m2\u33a2km2\u33a3mm3\u33a4cm3\u33a5m3\u33a6km3\u33a9pa" +
	"\u33aakpa\u33abmpa\u33acgpa\u33adrad\u33b0ps\u33b1ns\u33b3ms\u33b4pv\u33b5nv\u33b7mv\u33b8kv\u33b9mv\u33bapw\u33bbnw" +
	"\u33bdmw\u33bekw\u33bfmw\u33c3bq\u33c4cc\u33c5cd\u33c7co.\u33c8db\u33c9gy\u33caha\u33cbhp\u33ccin\u33cdkk\u33cekm" +
	"\u33cfkt\u33d0lm\u33d1ln\u33d2log\u33d3lx\u33d4mb\u33d5mil\u33d6mol\u33d7ph\u33d9ppm\u33dapr\u33dbsr\u33dcsv\u33ddwb" +
	"\u33ffgal\ua7f2c\ua7f3f\ua7f4q\ufb00ff\ufb01fi\ufb02fl\ufb03ffi\ufb04ffl\ufb05st\ufb06st\ufb29+\ufe10,\ufe13:\ufe14;" +
	"\ufe15!\ufe16?\ufe19...\ufe30.\ufe33_\ufe34_\ufe35(\ufe36)\ufe37{\ufe38}\ufe47[\ufe48]\ufe4d_\ufe4e_\ufe4f_\ufe50," +
	"\ufe52.\ufe54;\ufe55:\ufe56?\ufe57!\ufe59(\ufe5a)\ufe5b{\ufe5c}\ufe5f#\ufe60&\ufe61*\ufe62+\ufe63-\ufe64<\ufe65>" +
	"\ufe66=\ufe68\\\ufe69$\ufe6a%\ufe6b@\U000107a5q\U0001f1000.\U0001f1010,\U0001f1021,\U0001f1032,\U0001f1043," +
	"\U0001f1054,\U0001f1065,\U0001f1076,\U0001f1087,\U0001f1098,\U0001f10a9,\U0001f110(a)\U0001f111(b)\U0001f112(c)" +
	"\U0001f113(d)\U0001f114(e)\U0001f115(f)\U0001f116(g)\U0001f117(h)\U0001f118(i)\U0001f119(j)\U0001f11a(k)\U0001f11b(l)" +
	"\U0001f11c(m)\U0001f11d(n)\U0001f11e(o)\U0001f11f(p)\U0001f120(q)\U0001f121(r)\U0001f122(s)\U0001f123(t)\U0001f124(u)" +
	"\U0001f125(v)\U0001f126(w)\U0001f127(x)\U0001f128(y)\U0001f129(z)\U0001f12bc\U0001f12cr\U0001f12dcd\U0001f12ewz" +
	"\U0001f14ahv\U0001f14bmv\U0001f14csd\U0001f14dss\U0001f14eppv\U0001f14fwc\U0001f16amc\U0001f16bmd\U0001f16cmr" +
	"\U0001f190dj"

// foldRune gives what a lenient backend may take a character for that is not
// ASCII, and what of it comes behind that; -1 where it sees nothing.
func foldRune(r rune) (first rune, more string) {
	if i := int(r) - 0xc0; 0 <= i && i < len(latin) && latin[i] != '.' {
		return rune(latin[i]), ""
	}
	for i := range ranges {
		if c := &ranges[i]; c.from <= r && r <= c.to {
			return c.first + (r-c.from)%c.count, ""
		}
	}
	if text := lookalike(r); text != "" {
		return rune(text[0]), text[1:]
	}
	return r, ""
}

// lookalike finds what likeASCII has for a character, "" for nothing.
func lookalike(r rune) string {
	low, high := 0, len(likeASCII)
	for low < high {
		at := (low + high) / 2
		for likeASCII[at] < 0xc0 { // back to where a character begins
			at--
		}
		have, size := utf8.DecodeRuneInString(likeASCII[at:])
		end := at + size
		for end < len(likeASCII) && likeASCII[end] < utf8.RuneSelf {
			end++
		}
		switch {
		case have == r:
			return likeASCII[at+size : end]
		case have < r:
			low = end
		default:
			high = at
		}
	}
	return ""
}
