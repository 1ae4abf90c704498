INSERT INTO _levada_rounds (
    lake, pipeline,
    id, verb, door, ending, started, ended, kind, what, place, todo, notes
)
VALUES (
    :lake, :pipeline,
    :id, :verb, :door, :ending, :started, :ended, :kind, :what, :place, :todo, :notes
)
