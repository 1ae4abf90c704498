-- A copy of the file is changed: nobody else is here.
SELECT $1
