// The one generic call: an operator's name is resolved once to an Op, and every call after that takes an array of tagged values,
// completes it with the defaults of the operator's own schema (so that a libtorch whose schemas grew arguments serves as well as an
// old one), and goes through the dispatcher's boxed entry: autograd, devices and dtypes are libtorch's business.
#include "shim.h"
#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <cstdlib>
#include <string>
#include <vector>

namespace rrec {

at::Tensor borrow(Handle handle) {
    if (handle == nullptr) return at::Tensor();
    return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(handle));
}

Handle release(at::Tensor tensor) { return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr; }

c10::Device device_of(int64_t packed) {
    return c10::Device(static_cast<c10::DeviceType>(packed >> 32), static_cast<c10::DeviceIndex>(static_cast<int32_t>(packed)));
}

static thread_local std::string last_error;

const char* failed(const char* message) {
    last_error = message;
    return last_error.c_str();
}

const char* failed(const std::exception& error) {
    auto torch_error = dynamic_cast<const c10::Error*>(&error);
    return failed(torch_error ? torch_error->what_without_backtrace() : error.what());
}

struct Op {
    c10::OperatorHandle handle;
    std::vector<c10::IValue> defaults;   // one an argument; meaningful where has_default
    std::vector<char> has_default, is_float;
    size_t returns;
};

// A stack of values from the thread's store: a call inside a call (a custom gradient) takes another one. Saves an allocation a call.
class LentStack {
public:
    LentStack() {
        if (store().empty()) {
            stack.reserve(16);
        } else {
            stack = std::move(store().back());
            store().pop_back();
        }
    }
    ~LentStack() {
        stack.clear();
        store().push_back(std::move(stack));
    }
    torch::jit::Stack stack;

private:
    static std::vector<torch::jit::Stack>& store() {
        static thread_local std::vector<torch::jit::Stack> stacks;
        return stacks;
    }
};

static void push(torch::jit::Stack& stack, const Value& value, bool want_float) {
    switch (value.tag) {
        case None: stack.emplace_back(); break;
        case TensorTag: stack.emplace_back(borrow(static_cast<Handle>(const_cast<void*>(value.p)))); break;
        case Int:
            if (want_float) stack.emplace_back(static_cast<double>(value.i)); else stack.emplace_back(value.i);
            break;
        case Double: stack.emplace_back(value.d); break;
        case Bool: stack.emplace_back(value.i != 0); break;
        case IntList: stack.emplace_back(c10::List<int64_t>(c10::ArrayRef<int64_t>(static_cast<const int64_t*>(value.p), value.count))); break;
        case DoubleList: stack.emplace_back(c10::List<double>(c10::ArrayRef<double>(static_cast<const double*>(value.p), value.count))); break;
        case TensorList: {
            c10::List<at::Tensor> list;
            list.reserve(value.count);
            for (int32_t i = 0; i < value.count; i++) list.push_back(borrow(static_cast<const Handle*>(value.p)[i]));
            stack.emplace_back(std::move(list));
            break;
        }
        case OptionalTensorList: {
            c10::List<Optional<at::Tensor>> list;
            list.reserve(value.count);
            for (int32_t i = 0; i < value.count; i++) {
                auto handle = static_cast<const Handle*>(value.p)[i];
                list.push_back(handle ? Optional<at::Tensor>(borrow(handle)) : Optional<at::Tensor>());
            }
            stack.emplace_back(std::move(list));
            break;
        }
        case String: stack.emplace_back(std::string(static_cast<const char*>(value.p), value.count)); break;
        case DeviceTag: stack.emplace_back(device_of(value.i)); break;
        case GeneratorTag: stack.emplace_back(*static_cast<const at::Generator*>(value.p)); break;
        default: throw std::runtime_error("unknown argument tag " + std::to_string(value.tag));
    }
}

static void pop(c10::IValue&& result, Value& value) {
    value.count = 0;
    if (result.isTensor()) {
        value.tag = TensorTag;
        value.p = release(std::move(result).toTensor());
    } else if (result.isTensorList()) {
        auto list = std::move(result).toTensorList();
        auto handles = static_cast<Handle*>(std::malloc(sizeof(Handle) * (list.size() + 1)));
        for (size_t i = 0; i < list.size(); i++) handles[i] = release(list.get(i));
        value.tag = TensorList;
        value.count = static_cast<int32_t>(list.size());
        value.p = handles;
    } else if (result.isBool()) {
        value.tag = Bool;
        value.i = result.toBool();
    } else if (result.isInt()) {
        value.tag = Int;
        value.i = result.toInt();
    } else if (result.isDouble()) {
        value.tag = Double;
        value.d = result.toDouble();
    } else if (result.isNone()) {
        value.tag = None;
        value.i = 0;
    } else {
        throw std::runtime_error("the operator returns a " + result.tagKind() + ", which the shim does not hand out");
    }
}

}  // namespace rrec

using namespace rrec;

// Resolves "aten::name" with overload; null in *op when this libtorch has no such operator.
RREC_API const char* rrec_op(const char* name, const char* overload, Op** op) {
    *op = nullptr;
    return guarded([&] {
        auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
        if (!handle.has_value()) return;
        auto made = new Op{*handle, {}, {}, {}, handle->schema().returns().size()};
        for (const auto& argument : handle->schema().arguments()) {
            made->has_default.push_back(argument.default_value().has_value());
            made->defaults.push_back(argument.default_value().value_or(c10::IValue()));
            auto kind = argument.type()->kind();
            if (kind == c10::TypeKind::OptionalType) kind = argument.type()->containedType(0)->kind();
            made->is_float.push_back(kind == c10::TypeKind::FloatType);
        }
        *op = made;
    });
}

// Calls op. results may be null (an in-place operator, whose result is its first argument).
RREC_API const char* rrec_call(const Op* op, const Value* arguments, int32_t count, Value* results, int32_t result_count) {
    return guarded([&] {
        size_t wanted = op->defaults.size();
        LentStack lent;
        torch::jit::Stack& stack = lent.stack;
        for (int32_t i = 0; i < count; i++) push(stack, arguments[i], op->is_float[i]);
        for (size_t i = count; i < wanted; i++) {
            if (!op->has_default[i]) throw std::runtime_error("argument " + op->handle.schema().arguments()[i].name() + " has no default");
            stack.push_back(op->defaults[i]);
        }
        op->handle.callBoxed(stack);
        if (result_count > static_cast<int32_t>(stack.size())) throw std::runtime_error("the operator returns fewer values than asked for");
        for (int32_t i = 0; i < result_count; i++) pop(std::move(stack[i]), results[i]);
    });
}

RREC_API void rrec_free(void* memory) { std::free(memory); }
