namespace TorchSharp;

/// <summary>
/// Owns the tensors made while it is the thread's current scope and disposes them with itself. Tensors sit in a list and know
/// their place in it, so that entering and leaving cost no hashing.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager? _manager;
    private List<torch.Tensor?> _tensors = [];
    private int _count;   // tensors in the list; the rest are holes

    internal DisposeScope(DisposeScopeManager manager)
    {
        _manager = manager;
        OuterScope = manager.CurrentDisposeScope;
    }

    internal DisposeScope? OuterScope { get; set; }

    public IReadOnlyList<IDisposable> DisposablesView
    {
        get
        {
            Alive();
            return [.. _tensors.OfType<IDisposable>()];
        }
    }

    public int DisposablesCount
    {
        get
        {
            Alive();
            return _count;
        }
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable
    {
        Move(disposable, OuterScope);
        return disposable;
    }

    public (T1, T2) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => (MoveToOuter(first), MoveToOuter(second));
    public (T1, T2, T3) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));
    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, disposables);
    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        Move(disposable, scope);
        return disposable;
    }

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        foreach (IDisposable disposable in disposables) Move(disposable, scope);
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Move(disposable, null);
        return disposable;
    }

    public (T1, T2) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => (Detach(first), Detach(second));
    public (T1, T2, T3) Detach<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (Detach(first), Detach(second), Detach(third));
    public void Detach(params IDisposable[] disposables) => MoveToOther(null, disposables);
    public void Detach(IEnumerable<IDisposable> disposables) => MoveToOther(null, disposables);

    public void Attach(IDisposable disposable)
    {
        Alive();
        torch.Tensor tensor = TensorOf(disposable);
        if (tensor.OwningDisposeScope == this) return;
        tensor.OwningDisposeScope?.Remove(tensor);
        Add(tensor);
        _manager!.Tensors.AttachedToScopeCount++;
    }

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        IDisposable[] all = [.. disposables];
        foreach (IDisposable disposable in all) Attach(disposable);
        return all;
    }

    public void DisposeEverything() => DisposeEverythingBut([]);

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        Alive();
        var keep = new HashSet<IDisposable>(inKeep, ReferenceEqualityComparer.Instance);
        List<torch.Tensor?> old = _tensors;
        _tensors = [];
        _count = 0;
        foreach (torch.Tensor? tensor in old)
        {
            if (tensor is null) continue;
            if (keep.Count > 0 && keep.Contains(tensor)) Add(tensor);
            else tensor.DisposeFromScope();
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        Alive();
        if (disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this) Remove(tensor);
    }

    public bool Contains(IDisposable disposable) => disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this;

    public void Dispose()
    {
        if (_manager is null) return;
        DisposeEverything();
        _manager.Leave(this);
        _manager = null;
    }

    internal void Add(torch.Tensor tensor)
    {
        tensor.OwningDisposeScope = this;
        tensor.PlaceInScope = _tensors.Count;
        _tensors.Add(tensor);
        _count++;
    }

    private void Remove(torch.Tensor tensor)
    {
        // The last one leaves the list; another leaves a hole, which keeps the order of the rest. Holes are closed when they prevail.
        if (tensor.PlaceInScope == _tensors.Count - 1) _tensors.RemoveAt(tensor.PlaceInScope);
        else _tensors[tensor.PlaceInScope] = null;
        tensor.OwningDisposeScope = null;
        if (--_count < _tensors.Count / 2 && _tensors.Count > 64) CloseHoles();
    }

    private void CloseHoles()
    {
        _tensors.RemoveAll(tensor => tensor is null);
        for (int i = 0; i < _tensors.Count; i++) _tensors[i]!.PlaceInScope = i;
    }

    private void Move(IDisposable disposable, DisposeScope? scope)
    {
        Alive();
        if (disposable is not torch.Tensor tensor || tensor.OwningDisposeScope != this) return;
        Remove(tensor);
        if (scope is not null) scope.Add(tensor);
        else _manager!.Tensors.DetachedFromScopeCount++;
    }

    private static torch.Tensor TensorOf(IDisposable disposable) =>
        disposable as torch.Tensor ?? throw new InvalidOperationException("DisposeScope can only manage Tensor or PackedSequence");

    private void Alive() => ObjectDisposedException.ThrowIf(_manager is null, this);
}
