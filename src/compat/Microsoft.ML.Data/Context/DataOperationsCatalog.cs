using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Makes views of data and cuts them.</summary>
public sealed class DataOperationsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal DataOperationsCatalog(IHostEnvironment env) => _env = env;

    IHostEnvironment IInternalCatalog.Environment => _env;

    /// <summary>The two parts of a split.</summary>
    public struct TrainTestData
    {
        public readonly IDataView TrainSet;
        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet) => (TrainSet, TestSet) = (trainSet, testSet);
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, SchemaDefinition? schemaDefinition = null) where TRow : class =>
        new EnumerableView<TRow>(Contracts.CheckRef(data, nameof(data)), schemaDefinition);

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, DataViewSchema schema) where TRow : class
    {
        Contracts.CheckRef(data, nameof(data));
        return new EnumerableView<TRow>(data, RowMember.DefinitionFor(typeof(TRow), Contracts.CheckRef(schema, nameof(schema))));
    }

    /// <summary>The rows as objects, read when they are enumerated. Members that no column fits are an error here, not there.</summary>
    public IEnumerable<TRow> CreateEnumerable<TRow>(IDataView data, bool reuseRowObject, bool ignoreMissingColumns = false, SchemaDefinition? schemaDefinition = null)
        where TRow : class, new()
    {
        Contracts.CheckRef(data, nameof(data));
        return new RowReader<TRow>(data.Schema, ignoreMissingColumns, schemaDefinition).Read(data, reuseRowObject, () => new TRow());
    }

    public IDataView Cache(IDataView input, params string[] columnsToPrefetch)
    {
        Contracts.CheckRef(input, nameof(input));
        return new CacheView(input, (columnsToPrefetch ?? []).Select(name => input.Schema.GetColumnOrNull(name)
            ?? throw Contracts.ExceptSchemaMismatch(nameof(columnsToPrefetch), "prefetch", name)));
    }

    /// <summary>The rows whose value lies in [lowerBound, upperBound).</summary>
    public IDataView FilterRowsByColumn(IDataView input, string columnName, double lowerBound = double.NegativeInfinity, double upperBound = double.PositiveInfinity)
    {
        Contracts.CheckRef(input, nameof(input));
        Contracts.CheckNonEmpty(columnName, nameof(columnName));
        Contracts.CheckParam(lowerBound < upperBound, nameof(upperBound), $"The upper bound {upperBound} must be above the lower bound {lowerBound}.");
        DataViewSchema.Column column = input.Schema[columnName];
        if (column.Type is not NumberDataViewType) throw Contracts.ExceptSchemaMismatch(nameof(columnName), "filter", columnName, "number", column.Type.ToString());
        return new RangeView(input, column, lowerBound, upperBound);
    }

    /// <summary>The rows whose key, as a fraction of the number of keys, lies in the interval.</summary>
    public IDataView FilterRowsByKeyColumnFraction(IDataView input, string columnName, double lowerBound = 0, double upperBound = 1)
    {
        Contracts.CheckRef(input, nameof(input));
        Contracts.CheckNonEmpty(columnName, nameof(columnName));
        Contracts.CheckParam(lowerBound is >= 0 and <= 1, nameof(lowerBound), "A fraction is in [0, 1].");
        Contracts.CheckParam(upperBound is >= 0 and <= 1, nameof(upperBound), "A fraction is in [0, 1].");
        Contracts.CheckParam(lowerBound <= upperBound, nameof(upperBound), $"The upper bound {upperBound} must not be below the lower bound {lowerBound}.");
        DataViewSchema.Column column = input.Schema[columnName];
        if (column.Type is not KeyDataViewType) throw Contracts.ExceptSchemaMismatch(nameof(columnName), "filter", columnName, "key", column.Type.ToString());
        return new RangeView(input, column, lowerBound, upperBound, includeMax: upperBound >= 1);
    }

    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        Contracts.CheckRef(input, nameof(input));
        Contracts.CheckParam(shufflePoolSize > 0, nameof(shufflePoolSize), "The pool must hold at least one row.");
        return new ShuffleView(input, seed ?? _env.Register("Shuffle").Rand.Next(), shufflePoolSize, shuffleSource);
    }

    public IDataView SkipRows(IDataView input, long count)
    {
        Contracts.CheckRef(input, nameof(input));
        Contracts.CheckParam(count > 0, nameof(count), "The number of rows must be positive.");
        return new SkipTakeView(input, count, long.MaxValue);
    }

    public IDataView TakeRows(IDataView input, long count)
    {
        Contracts.CheckRef(input, nameof(input));
        Contracts.CheckParam(count > 0, nameof(count), "The number of rows must be positive.");
        return new SkipTakeView(input, 0, count);
    }

    /// <summary>Two parts, drawn row by row, or value by value of a column whose equal values must stay together.</summary>
    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string? samplingKeyColumnName = null, int? seed = null)
    {
        Contracts.CheckRef(data, nameof(data));
        Contracts.CheckParam(testFraction is > 0 and < 1, nameof(testFraction), "The fraction must lie between 0 and 1, both exclusive.");
        DataViewSchema.Column? key = samplingKeyColumnName is null ? null : data.Schema.GetColumnOrNull(samplingKeyColumnName)
            ?? throw Contracts.ExceptSchemaMismatch("samplingKeyColumn", "SamplingKeyColumn", samplingKeyColumnName);
        uint random = (uint?)(seed ?? ((IHostEnvironmentInternal)_env).Seed) ?? 42;
        return new TrainTestData(new SplitView(data, random, key, 0, testFraction, outside: true), new SplitView(data, random, key, 0, testFraction, outside: false));
    }
}
