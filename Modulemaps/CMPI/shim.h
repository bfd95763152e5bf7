// MPI over plain integers and pointers. Its handles and constants are macros of another kind in each library (pointers
// in Open MPI, integers in MPICH), which Swift does not import. Package.swift says which library (NUMERAL_MPI).
#if __has_include(<mpi.h>)
#include <mpi.h>
#else
#error "mpi.h not found. On Debian or Ubuntu: apt-get install libopenmpi-dev openmpi-bin"
#endif

/// 0, an error of MPI's, or -1 where only one thread of a process would be allowed.
static inline int numeral_mpi_begin(void) {
    int provided = MPI_THREAD_SINGLE;
    int status = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
    return status != MPI_SUCCESS ? status : provided < MPI_THREAD_FUNNELED ? -1 : 0;
}

static inline int numeral_mpi_rank(void) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static inline int numeral_mpi_size(void) {
    int size = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

/// The library's name and version, cut to `capacity` bytes, zero included.
static inline void numeral_mpi_library(char *text, int capacity) {
    char whole[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(whole, &length);
    if (length > capacity - 1) length = capacity - 1;
    for (int i = 0; i < length; i++) text[i] = whole[i];
    text[length] = 0;
}

/// In place: `counts[r]` items of `bytes` bytes at item `displacements[r]` come from rank r.
static inline void numeral_mpi_all_gather(void *buffer, int bytes, const int *counts, const int *displacements) {
    MPI_Datatype item;
    MPI_Type_contiguous(bytes, MPI_BYTE, &item);
    MPI_Type_commit(&item);
    MPI_Allgatherv(MPI_IN_PLACE, 0, item, buffer, counts, displacements, item, MPI_COMM_WORLD);
    MPI_Type_free(&item);
}

/// A negative rank is nobody.
static inline void numeral_mpi_exchange(
    const void *send, int sendBytes, int target, void *receive, int receiveBytes, int source) {
    MPI_Sendrecv(
        send, sendBytes, MPI_BYTE, target < 0 ? MPI_PROC_NULL : target, 0, receive, receiveBytes, MPI_BYTE,
        source < 0 ? MPI_PROC_NULL : source, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static inline void numeral_mpi_broadcast(void *buffer, int bytes, int root) {
    MPI_Bcast(buffer, bytes, MPI_BYTE, root, MPI_COMM_WORLD);
}

static inline int numeral_mpi_union(int bits) {
    int all = bits;
    MPI_Allreduce(&bits, &all, 1, MPI_INT, MPI_BOR, MPI_COMM_WORLD);
    return all;
}

static inline void numeral_mpi_end(void) { MPI_Finalize(); }

static inline void numeral_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }
