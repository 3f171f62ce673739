package forge

import "slices"

// Specimen is a module that shows one thing about loading.
type Specimen struct {
	Name string
	Wasm []byte
}

// Specimens are modules that an Envoy loads or refuses, each for a reason of its own. The tests of hostsim say what is
// expected of them; the tests of its command compare that with a real Envoy.
func Specimens() []Specimen {
	sound := Guest("0_2_1").Export("proxy_on_tick", "i", "").Bytes()
	list := []Specimen{
		{"sound", sound},
		{"empty", nil},
		{"five bytes", []byte("hello")},
		{"text", []byte("hello, this is not a module")},
		{"cut in a section", sound[:len(sound)-3]},
		{"version 2", append([]byte("\x00asm\x02\x00\x00\x00"), sound[8:]...)},
		{"data longer than the file", slices.Concat(sound, sectionOf(11, slices.Concat([]byte{1, 0, i32Const, 0, opEnd}, leb(1<<31-1))))},
		{"more types than bytes", slices.Concat(sound[:8], sectionOf(1, leb(1<<31-1)), sound[8:])},
		{"body that does not validate", Guest("0_2_1").Body("proxy_on_tick", "i", "", 0x6a).Bytes()},

		{"no marker", New().Memory().Export("malloc", "i", "i").Export("proxy_on_tick", "i", "").Bytes()},
		{"marker 0.1.0", Guest("0_1_0").Export("proxy_on_request_headers", "ii", "i").Bytes()},
		{"marker 0.2.0", Guest("0_2_0").Export("proxy_on_request_headers", "iii", "i").Bytes()},
		{"marker 0.3.0", Guest("0_3_0").Bytes()},
		{"markers 0.1.0 and 0.2.1", Guest("0_1_0").ABI("0_2_1").Export("proxy_on_request_headers", "iii", "i").Bytes()},
		{"marker 0.3.0 before 0.2.1", Guest("0_3_0").ABI("0_2_1").Bytes()},

		{"no allocator", New().Memory().ABI("0_2_1").Bytes()},
		{"allocator of another type", New().Memory().ABI("0_2_1").Export("malloc", "I", "i").Bytes()},
		{"second allocator", New().Memory().ABI("0_2_1").Export("proxy_on_memory_allocate", "i", "i").Bytes()},
		{"no memory", New().ABI("0_2_1").Export("malloc", "i", "i").Bytes()},

		{"callback of another type", Guest("0_2_1").Export("proxy_on_tick", "ii", "i").Bytes()},
		{"callback of ABI 0.2 in 0.1", Guest("0_1_0").Export("proxy_on_request_headers", "iii", "i").Bytes()},
		{"metadata callback of another type", Guest("0_2_1").Export("proxy_on_request_metadata", "i", "").Bytes()},
		{"foreign callback of another type", Guest("0_2_1").Export("proxy_on_foreign_function", "i", "").Bytes()},
		{"foreign callback of another type in 0.1", Guest("0_1_0").Export("proxy_on_foreign_function", "i", "").Bytes()},
		{"two callbacks of another type", Guest("0_2_1").Export("proxy_on_tick", "ii", "i").Export("proxy_on_log", "", "").Bytes()},

		{"_initialize of another type", Guest("0_2_1").Export("_initialize", "i", "").Bytes()},
		{"main of another type", Guest("0_2_1").Export("_initialize", "", "").Export("main", "", "i").Bytes()},
		{"main without _initialize", Guest("0_2_1").Export("main", "", "i").Bytes()},
		{"__main_void of another type", Guest("0_2_1").Export("_initialize", "", "").Export("__main_void", "i", "").Bytes()},
		{"_start of another type", Guest("0_2_1").Export("_start", "", "i").Bytes()},
		{"_start of another type beside _initialize", Guest("0_2_1").Export("_initialize", "", "").Export("_start", "", "i").Bytes()},
		{"TinyGo", tinyGo()},

		{"global", New().ImportGlobal("env", "g").Memory().ABI("0_2_1").Export("malloc", "i", "i").Bytes()},
		{"two unknown imports", importing([4]string{"env", "proxy_launch", "i", "i"}, [4]string{"go", "debug", "i", ""})},
	}
	for _, i := range [][4]string{
		{"env", "proxy_launch", "i", "i"},
		{"env", "proxy_log", "ii", "i"},
		{"env", "proxy_log", "iii", ""},
		{"env", "proxy_continue_request", "", "i"},
		{"env", "envoy_resolve_dns", "iii", "i"},
		{"wasi_unstable", "fd_write", "iiii", "i"},
		{"wasi_unstable", "path_filestat_get", "iiiii", "i"},
		{"wasi_snapshot_preview1", "path_filestat_get", "iiiii", "i"},
		{"wasi_snapshot_preview1", "path_link", "iiiiiii", "i"},
		{"wasi_snapshot_preview1", "path_symlink", "iiiii", "i"},
		{"wasi_snapshot_preview1", "fd_renumber", "ii", "i"},
		{"wasi_snapshot_preview1", "fd_fdstat_set_rights", "iII", "i"},
		{"wasi_snapshot_preview1", "proc_raise", "i", "i"},
	} {
		list = append(list, Specimen{"import " + i[0] + "." + i[1] + "(" + i[2] + ")" + i[3], importing(i)})
	}
	return list
}

// importing is a sound module that imports functions: module, name, parameters, results.
func importing(functions ...[4]string) []byte {
	m := New()
	for _, f := range functions {
		m.Import(f[0], f[1], f[2], f[3])
	}
	return m.Memory().ABI("0_2_1").Export("malloc", "i", "i").Export("proxy_on_tick", "i", "").Bytes()
}

// tinyGo has the imports and exports of a module that TinyGo made with the Go SDK: _start, C's allocator, asyncify.
func tinyGo() []byte {
	return New().
		Import("wasi_snapshot_preview1", "fd_write", "iiii", "i").
		Import("wasi_snapshot_preview1", "clock_time_get", "iIi", "i").
		Import("wasi_snapshot_preview1", "random_get", "ii", "i").
		Import("wasi_snapshot_preview1", "proc_exit", "i", "").
		Import("env", "proxy_log", "iii", "i").
		Import("env", "proxy_get_buffer_bytes", "iiiii", "i").
		Memory().
		Export("malloc", "i", "i").Export("free", "i", "").Export("calloc", "ii", "i").Export("realloc", "ii", "i").
		Export("_start", "", "").
		Export("proxy_abi_version_0_2_0", "", "").
		Export("proxy_on_memory_allocate", "i", "i").
		Body("proxy_on_vm_start", "ii", "i", i32Const, 1).Body("proxy_on_configure", "ii", "i", i32Const, 1).
		Export("proxy_on_context_create", "ii", "").
		Export("proxy_on_request_headers", "iii", "i").Export("proxy_on_response_headers", "iii", "i").
		Export("proxy_on_http_call_response", "iiiii", "").
		Export("proxy_on_log", "i", "").Export("proxy_on_done", "i", "i").Export("proxy_on_delete", "i", "").
		Export("asyncify_start_unwind", "i", "").Export("asyncify_stop_unwind", "", "").
		Custom("producers", append([]byte{1}, "\x0cprocessed-by\x01\x06TinyGo\x060.41.0"...)).
		Bytes()
}
