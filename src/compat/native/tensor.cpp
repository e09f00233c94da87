// What is not an operator: making tensors from memory, asking for their facts, indexing, generators, threads, devices.
#include "shim.h"
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIndexing.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <cstring>
#include <dlfcn.h>
#include <type_traits>

using namespace rrec;

RREC_API void rrec_dispose(Handle handle) { c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle); }

// One more reference to the same tensor.
RREC_API Handle rrec_share(Handle handle) { return release(borrow(handle)); }

RREC_API const char* rrec_from_memory(const void* data, int64_t bytes, const int64_t* sizes, int32_t dims, int32_t dtype, Handle* result) {
    return guarded([&] {
        auto tensor = at::empty(at::IntArrayRef(sizes, dims), at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)).device(at::kCPU));
        if (static_cast<int64_t>(tensor.nbytes()) != bytes) throw std::runtime_error("the data's length and the shape differ");
        if (bytes > 0) std::memcpy(tensor.data_ptr(), data, bytes);
        *result = release(tensor);
    });
}

RREC_API int32_t rrec_dim(Handle handle) { return static_cast<int32_t>(handle->dim()); }
RREC_API int64_t rrec_numel(Handle handle) { return handle->numel(); }
RREC_API int32_t rrec_dtype(Handle handle) { return static_cast<int32_t>(c10::typeMetaToScalarType(handle->dtype())); }
RREC_API int64_t rrec_element_size(Handle handle) { return static_cast<int64_t>(handle->itemsize()); }
RREC_API int32_t rrec_is_contiguous(Handle handle) { return handle->is_contiguous(); }

RREC_API int64_t rrec_device(Handle handle) {
    auto device = handle->device();
    return static_cast<int64_t>(device.type()) << 32 | static_cast<uint32_t>(static_cast<int32_t>(device.index()));
}

RREC_API void rrec_sizes(Handle handle, int64_t* sizes) {
    auto from = handle->sizes();
    std::copy(from.begin(), from.end(), sizes);
}

RREC_API void rrec_strides(Handle handle, int64_t* strides) {
    auto from = handle->strides();
    std::copy(from.begin(), from.end(), strides);
}

RREC_API const char* rrec_data(Handle handle, void** data) {
    return guarded([&] { *data = borrow(handle).data_ptr(); });
}

// One index of tensor[...]; mirrors NativeIndex in TensorIndex.cs. flags: 1 start given, 2 stop given, 4 step given.
struct Index {
    int32_t kind;
    int32_t flags;
    int64_t start, stop, step;
    Handle tensor;
};

static std::vector<at::indexing::TensorIndex> indices_of(const Index* indices, int32_t count) {
    std::vector<at::indexing::TensorIndex> result;
    result.reserve(count);
    for (int32_t i = 0; i < count; i++) {
        const auto& index = indices[i];
        switch (index.kind) {
            case 0: result.emplace_back(at::indexing::None); break;
            case 1: result.emplace_back(index.start != 0); break;
            case 2: result.emplace_back(at::indexing::Ellipsis); break;
            case 3: result.emplace_back(index.start); break;
            case 4: {
                // Plain numbers in 1.13, possibly symbolic ones later.
                using Bound = std::decay_t<decltype(std::declval<at::indexing::Slice>().start())>;
                Optional<Bound> start, stop, step;
                if (index.flags & 1) start = index.start;
                if (index.flags & 2) stop = index.stop;
                if (index.flags & 4) step = index.step;
                result.emplace_back(at::indexing::Slice(start, stop, step));
                break;
            }
            default: result.emplace_back(borrow(index.tensor)); break;
        }
    }
    return result;
}

RREC_API const char* rrec_index(Handle handle, const Index* indices, int32_t count, Handle* result) {
    return guarded([&] { *result = release(borrow(handle).index(indices_of(indices, count))); });
}

RREC_API const char* rrec_index_put(Handle handle, const Index* indices, int32_t count, Handle value) {
    return guarded([&] { borrow(handle).index_put_(indices_of(indices, count), borrow(value)); });
}

// Generators are at::Generator objects on the heap.
RREC_API const char* rrec_generator_new(uint64_t seed, int64_t device, at::Generator** result) {
    return guarded([&] {
        auto where = device_of(device);
        if (where.is_cpu()) {
            *result = new at::Generator(at::detail::createCPUGenerator(seed));
        } else {
            auto generator = at::globalContext().defaultGenerator(where).clone();
            generator.set_current_seed(seed);
            *result = new at::Generator(generator);
        }
    });
}

RREC_API at::Generator* rrec_generator_default() { return new at::Generator(at::detail::getDefaultCPUGenerator()); }
RREC_API void rrec_generator_dispose(at::Generator* generator) { delete generator; }
RREC_API void rrec_generator_manual_seed(at::Generator* generator, int64_t seed) { generator->set_current_seed(static_cast<uint64_t>(seed)); }
RREC_API int64_t rrec_generator_initial_seed(at::Generator* generator) { return static_cast<int64_t>(generator->current_seed()); }
RREC_API int64_t rrec_generator_seed(at::Generator* generator) { return static_cast<int64_t>(generator->seed()); }
RREC_API const char* rrec_generator_get_state(at::Generator* generator, Handle* state) {
    return guarded([&] { *state = release(generator->get_state()); });
}
RREC_API const char* rrec_generator_set_state(at::Generator* generator, Handle state) {
    return guarded([&] { generator->set_state(borrow(state)); });
}
RREC_API const char* rrec_manual_seed(int64_t seed) {
    return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

RREC_API int32_t rrec_get_num_threads() { return at::get_num_threads(); }
using SetThreads = void (*)(int);

// Debian's libtorch multiplies with OpenBLAS, which has a thread pool of its own that at::set_num_threads does not know.
static SetThreads openblas() { return reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")); }

RREC_API int32_t rrec_uses_openblas() { return openblas() != nullptr; }
RREC_API const char* rrec_set_num_threads(int32_t threads) {
    return guarded([&] {
        at::set_num_threads(threads);
        if (auto set = openblas()) set(threads);
    });
}

RREC_API int32_t rrec_cuda_device_count() {
    if (!at::hasCUDA() || !c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)) return 0;
    return static_cast<int32_t>(c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA)->deviceCount());
}

// index -1 is the current device.
RREC_API const char* rrec_cuda_synchronize(int32_t index) {
    return guarded([&] {
        auto guard = c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA);
        at::detail::getCUDAHooks().deviceSynchronize(index < 0 ? guard->getDevice().index() : static_cast<c10::DeviceIndex>(index));
    });
}

RREC_API const char* rrec_version() { return TORCH_VERSION; }
