using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A cursor that makes its own rows: counts positions and closes itself at the end.</summary>
internal abstract class RootCursorBase : DataViewRowCursor
{
    protected readonly IChannel Ch;
    private long position = -1;
    private bool disposed;

    protected RootCursorBase(IChannelProvider provider)
    {
        Contracts.CheckValue(provider, nameof(provider));
        Ch = provider.Start("Cursor");
    }

    public sealed override long Position => position;

    protected bool IsGood => position >= 0;

    public sealed override bool MoveNext()
    {
        if (disposed) return false;
        if (MoveNextCore())
        {
            position++;
            return true;
        }
        Dispose();
        return false;
    }

    protected abstract bool MoveNextCore();

    protected override void Dispose(bool disposing)
    {
        if (disposed) return;
        disposed = true;
        if (disposing)
        {
            Ch.Dispose();
            position = -1;
        }
        base.Dispose(disposing);
    }
}

/// <summary>A cursor that goes along with its input; of several in a row only the innermost is moved.</summary>
internal abstract class SynchronizedCursorBase : DataViewRowCursor
{
    protected readonly IChannel Ch;
    internal readonly DataViewRowCursor Root;
    private bool disposed;

    protected SynchronizedCursorBase(IChannelProvider provider, DataViewRowCursor input)
    {
        Ch = provider.Start("Cursor");
        Input = input;
        Root = input is SynchronizedCursorBase synchronized ? synchronized.Root : input;
    }

    protected DataViewRowCursor Input { get; }

    public sealed override long Position => Root.Position;

    public sealed override long Batch => Root.Batch;

    protected bool IsGood => Position >= 0;

    public sealed override bool MoveNext() => Root.MoveNext();

    public sealed override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    protected override void Dispose(bool disposing)
    {
        if (disposed) return;
        disposed = true;
        if (disposing)
        {
            Input.Dispose();
            Ch.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>A cursor over the rows of its input that <see cref="Accept"/> lets pass.</summary>
internal abstract class LinkedRowFilterCursorBase : RootCursorBase
{
    private readonly bool[]? active;
    private bool disposed;

    protected LinkedRowFilterCursorBase(IChannelProvider provider, DataViewRowCursor input, DataViewSchema schema, bool[]? active) : base(provider)
    {
        Ch.CheckValue(schema, nameof(schema));
        Ch.Check(active is null || active.Length == schema.Count);
        this.active = active;
        Input = input;
        Root = input is SynchronizedCursorBase synchronized ? synchronized.Root : input;
        Schema = schema;
    }

    protected DataViewRowCursor Input { get; }

    protected DataViewRowCursor Root { get; }

    public sealed override DataViewSchema Schema { get; }

    public override long Batch => Input.Batch;

    public sealed override bool IsColumnActive(DataViewSchema.Column column)
    {
        Ch.Check(column.Index < Schema.Count);
        return active is null || active[column.Index];
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Input.GetGetter<TValue>(column);

    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    protected override bool MoveNextCore()
    {
        while (Root.MoveNext())
        {
            if (Accept()) return true;
        }
        return false;
    }

    protected abstract bool Accept();

    protected override void Dispose(bool disposing)
    {
        if (disposed) return;
        disposed = true;
        if (disposing) Input.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A row over another row, which it owns.</summary>
internal abstract class WrappingRow : DataViewRow
{
    private bool disposed;

    private protected WrappingRow(DataViewRow input) => Input = input;

    protected DataViewRow Input { get; }

    public sealed override long Batch => Input.Batch;

    public sealed override long Position => Input.Position;

    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    protected virtual void DisposeCore(bool disposing) { }

    protected sealed override void Dispose(bool disposing)
    {
        if (disposed) return;
        disposed = true;
        DisposeCore(disposing);
        if (disposing) Input.Dispose();
    }
}
