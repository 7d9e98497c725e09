import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutSelector } from './rule.ts';

testRule(rolloutSelector, import.meta.dirname);
