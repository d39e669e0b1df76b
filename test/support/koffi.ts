/** koffi, which crashes in `call` unless it has loaded a library before. */
import koffi from 'koffi';

koffi.load(null);

export default koffi;
