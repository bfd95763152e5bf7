// CBLAS as the chosen backend declares it. Package.swift picks the library to link (NUMERAL_BLAS) and says which it is.
#if defined(NUMERAL_BLAS_MKL) && __has_include(<mkl_cblas.h>)
#include <mkl_cblas.h>
#elif defined(NUMERAL_BLAS_MKL)
#error "mkl_cblas.h not found. pip install mkl-devel, and NUMERAL_BLAS_PREFIX=<the virtual environment>"
#elif __has_include(<cblas.h>)
#include <cblas.h>
#else
#error "cblas.h not found. On Debian or Ubuntu: apt-get install libopenblas-dev"
#endif

#ifdef NUMERAL_BLAS_SCIPY_OPENBLAS
// Every symbol of the wheel has a prefix: here the one function that is used gets back its usual name.
__typeof__(scipy_cblas_sgemm) cblas_sgemm __asm__("scipy_cblas_sgemm");
#endif
