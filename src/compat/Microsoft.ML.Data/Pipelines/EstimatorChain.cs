namespace Microsoft.ML.Data;

/// <summary>Estimators one after the other: each is fitted on what the ones before it make of the data.</summary>
public sealed class EstimatorChain<TLastTransformer> : IEstimator<TransformerChain<TLastTransformer>> where TLastTransformer : class, ITransformer
{
    private readonly record struct Link(IEstimator<ITransformer> Estimator, TransformerScope Scope, bool CacheAfter);

    private readonly Link[] _links;

    public readonly IEstimator<TLastTransformer> LastEstimator;

    public EstimatorChain() : this([]) { }

    private EstimatorChain(Link[] links)
    {
        _links = links;
        LastEstimator = (links.LastOrDefault().Estimator as IEstimator<TLastTransformer>)!;
    }

    public TransformerChain<TLastTransformer> Fit(IDataView input)
    {
        // Wrong columns anywhere in the chain are reported before anything is fitted.
        GetOutputSchema(SchemaShape.Create(Contracts.CheckRef(input, nameof(input)).Schema));
        IDataView view = input;
        var fitted = new ITransformer[_links.Length];
        for (int i = 0; i < _links.Length; i++)
        {
            fitted[i] = _links[i].Estimator.Fit(view);
            view = fitted[i].Transform(view);
            if (_links[i].CacheAfter && i < _links.Length - 1) view = new CacheView(view);
        }
        return new TransformerChain<TLastTransformer>(fitted, _links.Select(l => l.Scope));
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaShape shape = inputSchema;
        foreach (Link link in _links) shape = link.Estimator.GetOutputSchema(shape);
        return shape;
    }

    public EstimatorChain<TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator, TransformerScope scope = TransformerScope.Everything)
        where TNewTrans : class, ITransformer
    {
        Contracts.CheckRef(estimator, nameof(estimator));
        return new EstimatorChain<TNewTrans>([.. _links.Select(l => new EstimatorChain<TNewTrans>.Link(l.Estimator, l.Scope, l.CacheAfter)), new(estimator, scope, false)]);
    }

    /// <summary>The data is kept in memory from here on, for the estimators that follow.</summary>
    public EstimatorChain<TLastTransformer> AppendCacheCheckpoint(IHostEnvironment env)
    {
        Contracts.CheckRef(env, nameof(env));
        Contracts.Check(_links.Length > 0, "There is no estimator in the chain whose output could be cached.");
        return new EstimatorChain<TLastTransformer>([.. _links[..^1], _links[^1] with { CacheAfter = true }]);
    }
}
