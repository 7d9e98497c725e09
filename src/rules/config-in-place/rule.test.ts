import { testRule } from '../../../test/support/rule-tester.ts';
import { configInPlace } from './rule.ts';

testRule(configInPlace, import.meta.dirname);
