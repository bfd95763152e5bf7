// zlib, for gzip.
#if __has_include(<zlib.h>)
#include <zlib.h>
#else
#error "zlib.h not found. On Debian or Ubuntu: apt-get install zlib1g-dev"
#endif
