INSERT INTO _levada_runs (
    lake, pipeline, round, number,
    stream, partition, outcome, run, level, read, kept, quarantined, dropped, nullified, loaded, pages,
    requests, resumed, files, gaps, changed, seconds, kind, what, place, todo
)
VALUES (
    :lake, :pipeline, :round, :number,
    :stream, :partition, :outcome, :run, :level, :read, :kept, :quarantined, :dropped, :nullified, :loaded,
    :pages, :requests, :resumed, :files, :gaps, :changed, :seconds, :kind, :what, :place, :todo
)
