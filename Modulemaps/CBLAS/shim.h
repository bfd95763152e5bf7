// CBLAS as the chosen backend declares it. Package.swift picks the library to link (NUMERAL_BLAS).
#if __has_include(<cblas.h>)
#include <cblas.h>
#else
#error "cblas.h not found. On Debian or Ubuntu: apt-get install libopenblas-dev"
#endif
