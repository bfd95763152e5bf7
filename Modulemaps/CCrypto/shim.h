// OpenSSL's libcrypto, for SHA-256 and MD5 digests of data sets.
#if __has_include(<openssl/evp.h>)
#include <openssl/evp.h>
#else
#error "openssl/evp.h not found. On Debian or Ubuntu: apt-get install libssl-dev"
#endif
