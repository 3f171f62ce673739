// Command statfile asks for a file's status, which imports path_filestat_get: Envoys up to 1.38 do not load it.
package main
